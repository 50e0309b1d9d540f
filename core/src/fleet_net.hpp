// The static side of a Fleet: the net compiled to queues, watchers and reachability. Immutable.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "petricore/csr.hpp"
#include "petricore/fleet.hpp"

namespace petricore::fleet {

inline constexpr std::uint32_t kNone = 0xffffffffu;

enum class QueueKind : std::uint8_t { kPlain, kKeyed, kGather };

// Queues 0 .. places-1 are the base queues: all free tokens of the place, for marking, tokens and plain arcs.
struct Queue {
  std::uint32_t place = 0;
  std::int32_t guard = -1;
  std::int32_t key_slot = -1;
  QueueKind kind = QueueKind::kPlain;
  std::uint32_t slot = 0;  // plain: index of its list in the session's block

  bool admits(std::uint64_t guards) const noexcept { return guard < 0 || ((guards >> guard) & 1u) != 0; }
};

struct InputArc {
  std::uint32_t place;
  std::uint32_t queue;
  ArcMode mode;
  Count weight;
};

// Told when its queue's count crosses the threshold. An inhibitor is met below it, an input at or above it.
struct Watcher {
  std::uint32_t transition;
  Count threshold;
  bool inhibitor;
};

struct OutputArc {
  std::uint32_t place;
  Count weight;
  bool scatter;
  std::uint32_t capacity_index;  // kNone: unbounded
  Count taken;                   // what the transition's TAKE and DRAIN arcs surely take from the same place
};

struct Amount {
  std::uint32_t resource;
  Count tokens;
};

// A transition that needs `room` free seats in the place with this capacity.
struct RoomWatcher {
  std::uint32_t transition;
  Count room;
};

struct GatherArc {
  std::uint32_t queue;
  Count least;
};

// Rows of bits: row y, column = index of a gather place.
class BitTable {
 public:
  BitTable() = default;
  BitTable(std::size_t rows, std::size_t columns) : words_((columns + 63) / 64), bits_(rows * words_) {}

  bool get(std::size_t row, std::size_t column) const noexcept {
    return ((bits_[row * words_ + column / 64] >> (column % 64)) & 1u) != 0;
  }
  bool set(std::size_t row, std::size_t column) noexcept {
    auto& word = bits_[row * words_ + column / 64];
    const auto before = word;
    word |= std::uint64_t{1} << (column % 64);
    return word != before;
  }
  // Row `into` of this table gains row `from` of the other. Returns whether it grew.
  bool merge(std::size_t into, const BitTable& other, std::size_t from) noexcept {
    bool grew = false;
    for (std::size_t w = 0; w < words_; ++w) {
      auto& word = bits_[into * words_ + w];
      const auto merged = word | other.bits_[from * words_ + w];
      grew |= merged != word;
      word = merged;
    }
    return grew;
  }

 private:
  std::size_t words_ = 0;
  std::vector<std::uint64_t> bits_;
};

class FleetNet {
 public:
  // Throws std::invalid_argument that names the element and the value.
  explicit FleetNet(const FleetSpec& spec);

  std::size_t places = 0, transitions = 0;
  std::size_t key_slots = 0;
  bool has_guards = false, has_keys = false, has_gathers = false;

  std::vector<Queue> queues;
  std::size_t plain_queues = 0;               // lists in a session's block
  Csr<std::uint32_t> extra_queues;            // by place, base queue excluded
  Csr<Watcher> watchers;                      // by queue; those of keyed queues count keys
  Csr<InputArc> inputs;                       // by transition, session places only, declared order
  Csr<OutputArc> outputs;                     // by transition, session places only
  Csr<Amount> needs, returns;                 // by transition: resources taken and given back
  std::vector<std::uint16_t> unsatisfied;     // of an empty session, by transition
  std::vector<std::uint16_t> keyed_watchers;  // by transition: arcs a key has to satisfy
  std::vector<std::uint32_t> priority_line;   // by transition: 0 is served first
  std::size_t priority_lines = 0;

  std::vector<std::uint32_t> resource_index;  // by place: kNone, or index into resource_place
  std::vector<std::uint32_t> resource_place;
  std::vector<std::int64_t> resource_initial;
  std::vector<std::uint32_t> capacity_index;  // by place: kNone, or index into capacity
  std::vector<std::uint32_t> capacity_place;
  std::vector<Count> capacity;
  Csr<RoomWatcher> room_watchers;  // by capacity index

  // Gathers. A column of the tables is a gather place.
  Csr<GatherArc> gathers;                 // by transition
  Csr<std::uint32_t> gather_transitions;  // by queue, ascending
  Csr<std::uint32_t> place_gathers;       // by place: its gather queues
  Csr<std::uint32_t> scatter_gathers;     // by place: queues to gather what a list put there becomes

  // Whether a token on y, or one that stands in this queue and leaves by it, may come to place p by one firing or more:
  // on any path / without any gather of the group that the token stands in innermost (nested scatters and their
  // gathers in between are passed over).
  bool reaches(std::uint32_t y, std::uint32_t p) const noexcept { return reach_.get(y, gather_column_[p]); }
  bool reaches_balanced(std::uint32_t y, std::uint32_t p) const noexcept { return balanced_.get(y, gather_column_[p]); }
  bool queue_reaches(std::uint32_t queue, std::uint32_t p) const noexcept {
    return queue_reach_.get(queue, gather_column_[p]);
  }
  bool queue_reaches_balanced(std::uint32_t queue, std::uint32_t p) const noexcept {
    return queue_balanced_.get(queue, gather_column_[p]);
  }

 private:
  void compile_inputs(const FleetSpec& spec);
  void compile_outputs(const FleetSpec& spec);
  void compile_watchers(const FleetSpec& spec);
  void compile_gathers();
  void compile_reachability();
  void compile_scatter_gathers();
  std::uint32_t queue_for(std::uint32_t place, std::int32_t guard, std::int32_t key_slot, QueueKind kind);

  std::vector<std::vector<std::uint32_t>> place_queues_;  // while compiling
  std::vector<std::uint32_t> gather_column_;              // by place, or kNone
  std::vector<std::uint32_t> gather_places_;              // by column
  BitTable reach_, balanced_;                             // by place
  BitTable queue_reach_, queue_balanced_;
};

}  // namespace petricore::fleet
