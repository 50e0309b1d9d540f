#include "antichain.hpp"

#include <algorithm>

#include "petricore/coverability.hpp"

namespace petricore {
namespace {

bool is_subset(const std::vector<std::uint64_t>& inner, const std::vector<std::uint64_t>& outer) {
  for (std::size_t i = 0; i < inner.size(); ++i) {
    if ((inner[i] & ~outer[i]) != 0) return false;
  }
  return true;
}

bool has(const std::vector<std::uint64_t>& set, std::size_t place) {
  return (set[place / 64] >> (place % 64) & 1) != 0;
}

}  // namespace

Antichain::Antichain(std::size_t places, std::span<const std::uint8_t> control, const std::vector<Count>& rows)
    : rows_(rows),
      is_control_(control.begin(), control.end()),
      thresholds_(static_cast<unsigned>(std::clamp<std::size_t>(64 / std::max<std::size_t>(places, 1), 1, 16))),
      omegas_((places + 63) / 64) {
  for (std::size_t p = 0; p < places; ++p) {
    if (control[p] != 0) control_.push_back(static_cast<std::uint32_t>(p));
  }
}

std::uint64_t Antichain::bits(std::span<const Count> marking) const noexcept {
  std::uint64_t bits = 0;
  std::size_t first = 0;
  for (const Count count : marking) {
    for (unsigned j = 0; j < thresholds_ && count >= Count{1} << j; ++j) bits |= std::uint64_t{1} << ((first + j) % 64);
    first += thresholds_;
  }
  return bits;
}

bool Antichain::below(const Count* a, const Count* b) const noexcept {
  for (std::size_t p = 0; p < is_control_.size(); ++p) {
    if (a[p] > b[p] || (is_control_[p] != 0 && a[p] != b[p])) return false;
  }
  return true;
}

std::uint64_t Antichain::control_hash(std::span<const Count> marking) const noexcept {
  std::uint64_t hash = 0;
  for (const std::uint32_t p : control_) {
    hash = (hash ^ static_cast<std::uint32_t>(marking[p])) * 0x9E3779B97F4A7C15U;
    hash ^= hash >> 29;
  }
  return hash;
}

void Antichain::measure(std::span<const Count> marking) {
  std::fill(omegas_.begin(), omegas_.end(), 0);
  sum_ = 0;
  for (std::size_t p = 0; p < marking.size(); ++p) {
    if (marking[p] == kOmega) {
      omegas_[p / 64] |= std::uint64_t{1} << (p % 64);
    } else {
      sum_ += marking[p];
    }
  }
}

bool Antichain::is_below_a_member(std::span<const Count> marking) {
  const auto found = groups_.find(control_hash(marking));
  if (found == groups_.end()) return false;
  measure(marking);
  const std::uint64_t wanted = bits(marking);
  for (const Group& group : found->second) {
    ++work_;
    if (!is_subset(omegas_, group.omegas)) continue;
    std::int64_t least = sum_;
    bool same = true;
    for (std::size_t p = 0; p < marking.size(); ++p) {
      if (has(group.omegas, p) && marking[p] != kOmega) {
        least -= marking[p];
        same = false;
      }
    }
    if (same) ++least;  // of an equal sum only an equal marking is below, and `marking` is no member
    for (auto bucket = group.by_sum.lower_bound(least); bucket != group.by_sum.end(); ++bucket) {
      const auto& members = bucket->second;
      work_ += members.bits.size();
      for (std::size_t i = 0; i < members.bits.size(); ++i) {
        if ((wanted & ~members.bits[i]) == 0 &&
            below(marking.data(), rows_.data() + members.rows[i] * marking.size())) {
          return true;
        }
      }
    }
  }
  return false;
}

void Antichain::drop_below(std::span<const Count> marking) {
  gone_.clear();
  const auto found = groups_.find(control_hash(marking));
  if (found == groups_.end()) return;
  measure(marking);
  const std::uint64_t ours = bits(marking);
  for (Group& group : found->second) {
    ++work_;
    if (!is_subset(group.omegas, omegas_)) continue;
    const auto end = group.omegas == omegas_ ? group.by_sum.lower_bound(sum_) : group.by_sum.end();
    for (auto bucket = group.by_sum.begin(); bucket != end;) {
      auto& members = bucket->second;
      work_ += members.bits.size();
      for (std::size_t i = 0; i < members.bits.size();) {
        if ((members.bits[i] & ~ours) == 0 && below(rows_.data() + members.rows[i] * marking.size(), marking.data())) {
          gone_.push_back(members.rows[i]);
          members.bits[i] = members.bits.back();
          members.rows[i] = members.rows.back();
          members.bits.pop_back();
          members.rows.pop_back();
        } else {
          ++i;
        }
      }
      bucket = members.rows.empty() ? group.by_sum.erase(bucket) : std::next(bucket);
    }
  }
}

void Antichain::insert(std::span<const Count> marking, std::size_t row) {
  measure(marking);
  Groups& groups = groups_[control_hash(marking)];
  auto group = std::find_if(groups.begin(), groups.end(), [&](const Group& g) { return g.omegas == omegas_; });
  if (group == groups.end()) {
    group = groups.insert(groups.end(), Group{omegas_, {}});
    bytes_ += 2 * (sizeof(Group) + omegas_.size() * sizeof(std::uint64_t)) + 64;
  }
  Bucket& bucket = group->by_sum[sum_];
  if (bucket.rows.empty()) bytes_ += sizeof(Bucket) + 64;
  bucket.bits.push_back(bits(marking));
  bucket.rows.push_back(row);
  bytes_ += 2 * (sizeof(std::uint64_t) + sizeof(std::size_t));
}

}  // namespace petricore
