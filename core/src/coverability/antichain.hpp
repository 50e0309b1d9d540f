// The maximal markings met so far, indexed for "is this one below another" and "which ones are below this one".
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <unordered_map>
#include <vector>

#include "petricore/types.hpp"

namespace petricore {

// Members are rows of a table that the caller owns. They are grouped by what must be equal (control places), then by
// the set of omega places, then by the sum of the other counts: what is below another has fewer omegas, or as many and
// a smaller sum. Within a group, 64 monotone bits per member (does place p hold 1, 2, 4 ... tokens) rule out most of
// the rest.
class Antichain {
 public:
  Antichain(std::size_t places, std::span<const std::uint8_t> control, const std::vector<Count>& rows);

  // Whether `marking`, which is no member, is below a member.
  bool is_below_a_member(std::span<const Count> marking);

  // Removes the members below `marking`, calling dropped(row) for each, then adds row `row`, which holds `marking`.
  template <class Dropped>
  void add(std::span<const Count> marking, std::size_t row, Dropped dropped) {
    drop_below(marking);
    for (const std::size_t gone : gone_) dropped(gone);
    insert(marking, row);
  }

  // Comparisons made so far: what the work costs.
  std::uint64_t work() const noexcept { return work_; }
  std::size_t bytes() const noexcept { return bytes_; }

  // Monotone: below(a, b) implies that bits(a) are among bits(b).
  std::uint64_t bits(std::span<const Count> marking) const noexcept;
  // a <= b, and equal on control places.
  bool below(const Count* a, const Count* b) const noexcept;

 private:
  struct Bucket {
    std::vector<std::uint64_t> bits;
    std::vector<std::size_t> rows;
  };
  struct Group {
    std::vector<std::uint64_t> omegas;  // a bit per place
    std::map<std::int64_t, Bucket> by_sum;
  };
  using Groups = std::vector<Group>;

  std::uint64_t control_hash(std::span<const Count> marking) const noexcept;
  // Sets omegas_ and sum_ for a marking.
  void measure(std::span<const Count> marking);
  void drop_below(std::span<const Count> marking);
  void insert(std::span<const Count> marking, std::size_t row);

  const std::vector<Count>& rows_;
  std::vector<std::uint8_t> is_control_;
  std::vector<std::uint32_t> control_;
  unsigned thresholds_;
  std::unordered_map<std::uint64_t, Groups> groups_;
  std::vector<std::uint64_t> omegas_;
  std::int64_t sum_ = 0;
  std::vector<std::size_t> gone_;
  std::uint64_t work_ = 0;
  std::size_t bytes_ = 0;
};

}  // namespace petricore
