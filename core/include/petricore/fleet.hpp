// Fleet: many sessions of one net, at token level. The words and the semantics stand in docs/fleet.md.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <stdexcept>
#include <utility>
#include <vector>

#include "petricore/types.hpp"

namespace petricore {

// An id that names nothing alive: a closed session, an ended firing, a token that is gone.
class UnknownId : public std::out_of_range {
  using std::out_of_range::out_of_range;
};

// How an input arc draws from its queue.
enum class ArcMode : std::int8_t { kTake = 0, kDrain = 1, kGather = 2, kRead = 3 };

// The net as the caller describes it; plain integers, validated by Fleet's constructor.
struct FleetSpec {
  struct Input {
    std::int64_t transition, place, mode, weight, guard, key_slot;
  };
  struct Arc {
    std::int64_t transition, place, weight;
  };
  using Amount = std::pair<std::int64_t, std::int64_t>;  // (place, tokens)

  std::int64_t places = 0;
  std::int64_t transitions = 0;
  std::vector<Input> inputs;
  std::vector<Arc> outputs;
  std::vector<std::pair<std::int64_t, std::int64_t>> scatters;  // (transition, place)
  std::vector<Arc> inhibitors;
  std::vector<std::int64_t> priorities;  // one a transition, or none: all 0
  std::vector<Amount> resources;
  std::vector<Amount> capacities;
};

// What one call of claim hands out. Firing i took, by its arc j (arcs on resource places not counted),
// tokens[offsets[arcs[i] + j]] .. tokens[offsets[arcs[i] + j + 1]], oldest first.
struct Claims {
  std::vector<std::int64_t> firings, sessions;
  std::vector<std::int32_t> transitions;
  std::vector<std::int64_t> arcs{0}, offsets{0}, tokens;
  std::vector<std::int64_t> groups;  // the group a gather closes, or -1
};

// An unfinished gathering that no firing holds, and whom it waits for.
struct Waiting {
  std::int64_t group = 0;
  std::int32_t place = 0;
  std::vector<std::int64_t> members;   // oldest first
  std::vector<std::int64_t> blockers;  // tokens, in no particular order
  std::vector<std::int64_t> firings;   // that opened the group and still run, or that hold a blocker
  std::vector<std::pair<std::int64_t, std::int32_t>> gatherings;  // unfinished inner ones: (group, place)
};

// The tokens that a put or the end of a firing makes. places: one token each.
// keys: none, or places.size() rows of key_columns; guards: none (all 0) or one a token;
// members: none (all false) or one a token: is it an element of an emitted list?
// opened: the places that lists were emitted to, empty lists included.
struct Emission {
  std::span<const std::int32_t> places;
  std::span<const std::int64_t> keys;
  std::size_t key_columns = 1;
  std::span<const std::uint64_t> guards;
  std::span<const std::uint8_t> members;
  std::span<const std::int32_t> opened;
};

// One session as bytes, and its living tokens and firings in the order in which the bytes hold them.
struct SavedSession {
  std::vector<std::byte> data;
  std::vector<std::int64_t> tokens, firings;
};
struct LoadedSession {
  std::int64_t session = 0;
  std::vector<std::int64_t> tokens, firings;  // their new ids, in the order of SavedSession's
};

// THREADS: none; one owner calls it.
// ERRORS: std::invalid_argument for a bad argument and UnknownId for a bad id, each naming the value; nothing is
// changed then. COST: O(arcs and tokens touched + groups of their scopes), independent of the number of sessions.
class Fleet {
 public:
  explicit Fleet(const FleetSpec& spec);
  ~Fleet();
  Fleet(Fleet&&) noexcept;
  Fleet& operator=(Fleet&&) noexcept;

  // Sessions of one account. Within a priority, accounts are claimed for in turn: one with many sessions gets no more
  // than one with few. account: 0 .. kMaxAccount; the fleet keeps 16 bytes for each up to the largest and each
  // priority.
  static constexpr std::int64_t kMaxAccount = (1 << 24) - 1;
  std::vector<std::int64_t> open(std::int64_t n, std::int64_t account = 0);
  void close(std::int64_t session);

  std::vector<std::int64_t> put(std::int64_t session, const Emission& tokens);
  Claims claim(std::int64_t limit);
  // The firing that took these tokens, by arc as in Claims: how a journal is replayed. They may stand anywhere in
  // their queues; a draining arc names all that stand there, a gather the members of a closed group (the first such
  // group in claim order). Takes from resources what the firing's end gives back, even if they do not hold it: their
  // counts may become negative, and nobody is served from them until they recover.
  std::int64_t claim_exactly(std::int64_t session, std::int64_t transition,
                             const std::vector<std::vector<std::int64_t>>& tokens);
  // The session's tokens, firings, groups and ages; a session that is loaded from it, here or in another fleet of the
  // same net, goes on as this one would. COST: O(what the session holds).
  SavedSession save(std::int64_t session) const;
  // A new session from what save made. keys: none, or a row of key_slots for each token, instead of the saved ones
  // (equal where those were equal). account: as for open. Its firings take from resources like claim_exactly's.
  // ERRORS: std::invalid_argument that says what, for bytes that are damaged, of another version, of another net or
  // that no session of this net can have been saved as; whoever made them, the fleet stays whole.
  LoadedSession load(std::span<const std::byte> data, std::optional<std::span<const std::int64_t>> keys = {},
                     std::int64_t account = 0);
  std::vector<std::int64_t> emit(std::int64_t firing, const Emission& tokens);
  std::vector<std::int64_t> complete(std::int64_t firing, const Emission& tokens);
  std::vector<std::int64_t> fail(std::int64_t firing, const Emission& tokens);
  void release(std::int64_t firing);
  // Gives the inputs back like release, but for good: the tokens of each place lose the guard bits named for it, so
  // that arcs with these guards no longer admit them, and a gathering that the firing was closing ends without firing.
  void refuse(std::int64_t firing, std::span<const std::pair<std::uint32_t, std::uint64_t>> bars);
  void drop(std::int64_t session, std::int64_t token);
  void supply(std::int64_t place, std::int64_t n);

  std::size_t places() const noexcept;
  std::size_t transitions() const noexcept;
  std::size_t key_slots() const noexcept;
  std::vector<Count> marking(std::int64_t session) const;
  std::vector<std::pair<std::int32_t, std::int64_t>> resources() const;
  std::vector<std::int64_t> tokens(std::int64_t session, std::int64_t place) const;
  std::vector<std::int64_t> firings(std::int64_t session) const;
  std::vector<std::int32_t> enabled(std::int64_t session) const;
  std::vector<Waiting> waiting(std::int64_t session) const;
  // The open groups that a living token stands in, oldest first.
  std::vector<std::int64_t> scope(std::int64_t token) const;

  std::size_t pending() const noexcept;   // enabled pairs in the ready lines
  std::size_t stalled() const noexcept;   // enabled pairs that wait for resource tokens
  std::size_t sessions() const noexcept;  // open ones
  // Bytes of one session that was put into, without its tokens; and of one token, queue entries included.
  std::size_t session_bytes() const noexcept;
  std::size_t token_bytes() const noexcept;

 private:
  class State;
  std::unique_ptr<State> state_;
};

}  // namespace petricore
