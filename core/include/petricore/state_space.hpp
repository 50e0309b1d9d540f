// The reachable markings of a net, found one by one and kept packed.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "petricore/net.hpp"
#include "petricore/predicate.hpp"
#include "petricore/stop.hpp"

namespace petricore {

namespace explore {
struct Store;
}

enum class SearchOrder : std::uint8_t { kBreadthFirst, kDepthFirst };

// Which successors of a marking are looked at.
enum class Reduction : std::uint8_t {
  kNone,
  kDeadlock,  // those of a stubborn set: a deadlock is found iff there is one
  kGoal,      // those of a stubborn set for the goal: it is found iff it can be reached
};

enum class SearchEnd : std::uint8_t { kComplete, kGoal, kStateLimit, kMemoryLimit, kStopped, kTokenOverflow };

struct SearchOptions {
  SearchOrder order = SearchOrder::kBreadthFirst;
  Reduction reduction = Reduction::kNone;
  bool edges = false;                                 // keep them
  const Predicate* goal = nullptr;                    // end at the first marking where it holds
  bool end_at_deadlock = false;                       // end at the first marking that enables nothing
  std::uint64_t max_states = std::uint64_t{1} << 31;  // at most that
  std::uint64_t max_bytes = std::uint64_t{1} << 32;   // of memory; kept to within a few megabytes
  unsigned threads = 1;                               // only for breadth first without reduction
  // As many markings to expand make several threads pay off; 1 to try them on a small net.
  std::uint64_t parallel_from = std::uint64_t{1} << 14;
  std::span<const Count> bounds = {};  // (P,) proven bounds of the places, kMaxTokens where there is none; or empty
  Stop stop = {};
};

// Markings are numbered in the order in which they were found; 0 is the initial one. The numbers, and all else, are the
// same for any number of threads. In a partial space the first `expanded` markings (breadth first) have all their
// successors in it.
//
// Packed markings lie in one array that is the queue too, found again by a hash table of 32-bit indices; a marking
// costs its bits and 6 to 9 bytes. A field whose bound was not known starts small, and everything is packed anew when
// one overflows.
//
// Immutable after construction; any thread may call it, except where said.
class StateSpace {
 public:
  static constexpr std::uint32_t kNone = 0xFFFFFFFF;

  // Explores. Throws std::bad_alloc if not even the smallest tables can be had. REQUIRES: `net` outlives this.
  StateSpace(const Net& net, const SearchOptions& options);
  ~StateSpace();
  StateSpace(StateSpace&&) noexcept;
  StateSpace& operator=(StateSpace&&) = delete;
  StateSpace(const StateSpace&) = delete;
  StateSpace& operator=(const StateSpace&) = delete;

  SearchEnd end() const noexcept;
  std::size_t size() const noexcept;
  std::size_t expanded() const noexcept;           // markings whose successors were all looked at
  std::uint64_t firings() const noexcept;          // successors of those, with repetitions
  std::uint32_t found() const noexcept;            // the marking that ended the search (kGoal), or kNone
  std::size_t overflowing_place() const noexcept;  // kTokenOverflow: which place would exceed kMaxTokens
  std::size_t bytes() const noexcept;              // memory held
  std::size_t words() const noexcept;              // 64-bit words of a packed marking

  // Those of the markings expanded that enable nothing, ascending.
  std::span<const std::uint32_t> deadlocks() const noexcept;

  // Edges of the markings expanded, if asked for: those of i are offsets[i] .. offsets[i + 1].
  std::span<const std::int64_t> edge_offsets() const noexcept;      // (expanded + 1,)
  std::span<const std::uint32_t> edge_targets() const noexcept;     // (E,)
  std::span<const std::int32_t> edge_transitions() const noexcept;  // (E,)

  // The same, found by expanding them all again: for a space that was explored without. Ends early, with fewer offsets,
  // if told to stop.
  struct Edges {
    std::vector<std::int64_t> offsets;
    std::vector<std::uint32_t> targets;
    std::vector<std::int32_t> transitions;
  };
  Edges edges(const Stop& stop = {}) const;

  std::size_t places() const noexcept { return net_.places(); }

  // out: (P,). REQUIRES: i < size().
  void marking(std::size_t i, Count* out) const noexcept;
  // The index of a marking, or kNone. Throws NegativeTokens.
  std::uint32_t find(std::span<const Count> marking) const;

  // The largest count of each place, (P,), and of all places together.
  struct Bounds {
    std::vector<Count> places;
    std::int64_t together;
  };
  Bounds bounds(unsigned threads = 0, const Stop& stop = {}) const;  // told to stop: of some of the markings

  // (T,) whether any marking enables the transition. Costs O(size * T) at worst, and little where all are soon seen.
  // Told to stop: whether any of some markings does.
  std::vector<std::uint8_t> fireable(const Stop& stop = {}) const;

  // out: (size,) whether the predicate holds in each marking. False: told to stop, and out is not all written.
  bool evaluate(const Predicate& predicate, std::uint8_t* out, unsigned threads = 0, const Stop& stop = {}) const;

  // Transitions that lead from marking 0 to i, through markings of falling numbers backwards; shortest if breadth first
  // without reduction. Costs O(length * T), and one more exploration if the net has reset arcs. Told to stop: empty.
  std::vector<std::uint32_t> path(std::size_t i, const Stop& stop = {}) const;

 private:
  const Net& net_;
  std::unique_ptr<explore::Store> store_;
};

}  // namespace petricore
