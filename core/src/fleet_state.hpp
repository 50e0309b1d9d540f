// The moving side of a Fleet: sessions, firings, and the upkeep of what is enabled.
#pragma once

#include <cstddef>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "fleet_groups.hpp"
#include "fleet_net.hpp"
#include "fleet_ready.hpp"
#include "fleet_tokens.hpp"

namespace petricore::fleet {

// A key of one (session, transition): how many keyed arcs it satisfies, and since when all of them (0: not all).
struct KeyState {
  std::uint32_t met = 0;
  std::uint64_t since = 0;
};

struct KeyRef {
  std::uint32_t row;  // queue or transition
  std::int64_t key;
  bool operator==(const KeyRef&) const = default;
};
struct KeyRefHash {
  std::size_t operator()(const KeyRef& ref) const noexcept {
    auto h = (static_cast<std::uint64_t>(ref.key) ^ (std::uint64_t{ref.row} << 40)) * 0x9e3779b97f4a7c15u;
    return static_cast<std::size_t>(h ^ (h >> 32));
  }
};

// The keyed queues of one session. Allocated when a session first needs it.
struct KeyIndex {
  struct Turn {
    std::int64_t key;
    std::uint64_t since;
  };
  struct Line {  // complete keys, oldest first; stale entries are skipped
    std::deque<Turn> turns;
    std::uint32_t count = 0;
  };
  std::unordered_map<KeyRef, List, KeyRefHash> lists;       // by (queue, key)
  std::unordered_map<KeyRef, KeyState, KeyRefHash> states;  // by (transition, key)
  std::unordered_map<std::uint32_t, Line> lines;            // by transition
};

// One allocation a session, made on its first token: zeroes and the net's initial unsatisfied counts.
struct Block {
  std::uint64_t* ages;         // by transition: when it became enabled; 0: it is not
  List* lists;                 // by plain queue
  Count* occupied;             // by capacity: free + held or reserved by firings
  std::uint16_t* unsatisfied;  // by transition
  std::uint16_t* waits;        // by transition, if there are resources: 1 + the one it waits for
};

struct Session {
  std::unique_ptr<std::byte[]> block;
  std::unique_ptr<KeyIndex> keys;
  std::uint32_t generation = 0;
  std::uint32_t first_firing = kNil;
  union {
    std::uint32_t account = 0;  // of an open one
    std::uint32_t next_free;    // of a closed one
  };
  bool open = false;
};

// The seats that a firing keeps in a bounded place: what it took from it, or what it may still put, if that is more.
struct Reservation {
  std::uint32_t capacity;
  Count taken, room;
  Count seats() const noexcept { return taken > room ? taken : room; }
};

struct Firing {
  std::uint32_t generation = 0;
  std::uint32_t session = 0, transition = 0;
  std::uint32_t scope = kNil;    // of what it puts
  std::uint32_t opened = kNil;   // group
  std::uint32_t closing = kNil;  // group
  std::uint32_t first_held = kNil;
  std::uint32_t prev = kNil, next = kNil;  // of the session; next: free list
  bool alive = false;
  std::vector<Reservation> reservations;
};

}  // namespace petricore::fleet

namespace petricore {

class Fleet::State {
 public:
  explicit State(const FleetSpec& spec);

  std::vector<std::int64_t> open(std::int64_t n, std::int64_t account);
  void close(std::int64_t id);
  std::vector<std::int64_t> put(std::int64_t id, const Emission& tokens);
  Claims claim(std::int64_t limit);
  std::int64_t claim_exactly(std::int64_t id, std::int64_t transition,
                             const std::vector<std::vector<std::int64_t>>& tokens);
  SavedSession save(std::int64_t id) const;
  LoadedSession load(std::span<const std::byte> data, const std::optional<std::span<const std::int64_t>>& keys,
                     std::int64_t account);
  std::vector<std::int64_t> emit(std::int64_t id, const Emission& tokens);
  std::vector<std::int64_t> end(std::int64_t id, const Emission& tokens);
  void release(std::int64_t id);
  void refuse(std::int64_t id, std::span<const std::pair<std::uint32_t, std::uint64_t>> bars);
  void drop(std::int64_t id, std::int64_t token);
  void supply(std::int64_t place, std::int64_t n);

  std::uint32_t session(std::int64_t id) const;
  std::uint32_t firing(std::int64_t id) const;
  std::uint32_t place(std::int64_t value) const;
  std::int64_t session_id(std::uint32_t slot) const noexcept { return fleet::make_id(sessions[slot].generation, slot); }
  std::int64_t firing_id(std::uint32_t slot) const noexcept { return fleet::make_id(firings[slot].generation, slot); }
  fleet::Block block(std::uint32_t slot) const noexcept;
  std::size_t block_bytes() const noexcept;

  fleet::FleetNet net;
  fleet::TokenStore tokens;
  fleet::GroupStore groups;
  fleet::ReadyLines ready;
  std::vector<fleet::Session> sessions;
  std::vector<fleet::Firing> firings;
  std::vector<std::int64_t> free_resources;  // by resource
  std::size_t open_sessions = 0, enabled_pairs = 0;

 private:
  // Checks (each throws before anything is changed).
  void check_emission(const Emission& tokens) const;
  void check_outputs(const fleet::Firing& firing, const Emission& tokens, bool ends) const;

  // Tokens.
  std::int64_t add_token(std::uint32_t session, std::uint32_t scope, const Emission& tokens, std::size_t i);
  void enter(std::uint32_t token, bool newest);
  void leave(std::uint32_t token);
  void count_up(std::uint32_t session, std::uint32_t queue, Count count);
  void count_down(std::uint32_t session, std::uint32_t queue, Count count);
  void key_up(std::uint32_t session, std::uint32_t queue, std::int64_t key, Count count);
  void key_down(std::uint32_t session, std::uint32_t queue, std::int64_t key, Count count);
  void set_key(std::uint32_t session, std::uint32_t transition, std::int64_t key, fleet::KeyState& state,
               bool complete);
  std::int64_t next_key(std::uint32_t session, std::uint32_t transition);
  void requeue_key(std::uint32_t session, std::uint32_t transition, std::int64_t key);
  // By transition: positions of tokens (keys) or groups.
  using Lines = std::vector<std::pair<std::uint32_t, std::vector<std::uint32_t>>>;
  void restore_orders(std::uint32_t session, const Lines& key_lines, const Lines& group_lines,
                      const std::vector<std::uint32_t>& enabled, const std::vector<std::uint32_t>& token_slots,
                      const std::vector<std::uint32_t>& group_slots);
  void make_block(std::uint32_t session);
  std::vector<std::int64_t> complete_keys(std::uint32_t session, std::uint32_t transition) const;
  void occupy(std::uint32_t session, std::uint32_t capacity, Count change);
  void satisfy(std::uint32_t session, std::uint32_t transition, bool met);

  // Firings.
  bool take_resources(const fleet::Pair& pair);
  void overdraw(std::uint32_t transition);
  std::uint32_t begin_firing(std::uint32_t session, std::uint32_t transition);
  void refuse_twice(std::uint32_t transition, std::vector<std::uint32_t> tokens) const;
  void check_exact(std::uint32_t session, std::uint32_t transition,
                   const std::vector<std::vector<std::uint32_t>>& tokens, std::int64_t& key,
                   std::uint32_t& closing) const;
  void hand_out(const fleet::Pair& pair, Claims& claims);
  void choose_tokens(fleet::Firing& firing, Claims& claims);
  void hold_tokens(std::uint32_t slot);
  std::vector<std::int64_t> put_outputs(std::uint32_t slot, const Emission& tokens);
  void give_back(std::uint32_t slot);
  void unclaim(std::uint32_t slot);
  void give_back_resources(std::uint32_t transition);
  void free_firing(std::uint32_t slot);
  std::vector<std::uint32_t> held(const fleet::Firing& firing) const;

  // The end of each operation: what became enabled gets its age, what is no longer loses it.
  void settle(std::uint32_t session);
  void enlist(std::uint32_t session, std::uint32_t transition);
  void retire(std::uint32_t session, std::uint32_t transition);
  fleet::Pair pair_of(std::uint32_t session, std::uint32_t transition) const noexcept;

  std::uint32_t free_session_ = fleet::kNone, free_firing_ = fleet::kNil;
  std::uint64_t ages_ = 0, key_clock_ = 0;
  std::uint64_t net_fingerprint_;        // of what is saved
  std::vector<std::uint32_t> consumed_;  // by the claim in hand
  std::vector<std::uint32_t> dirty_;     // transitions of the session in hand
  std::vector<fleet::ReadyChange> changes_;
};

}  // namespace petricore
