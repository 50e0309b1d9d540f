// The depth-first Karp and Miller walk of coverability.hpp.
#include <algorithm>
#include <cassert>
#include <optional>

#include "antichain.hpp"
#include "petricore/coverability.hpp"

namespace petricore {
namespace {

// Every row ever accepted, to recognise a marking that was met before without asking the antichain.
class Seen {
 public:
  Seen(std::size_t places, const std::vector<Count>& rows) : places_(places), rows_(rows), slots_(1024, kNone) {}

  bool holds(const Count* marking) const {
    for (std::size_t i = hash(marking) & (slots_.size() - 1);; i = (i + 1) & (slots_.size() - 1)) {
      if (slots_[i] == kNone) return false;
      if (std::equal(marking, marking + places_, rows_.data() + slots_[i] * places_)) return true;
    }
  }

  void add(std::size_t row) {
    if (2 * ++size_ > slots_.size()) {
      slots_.assign(2 * slots_.size(), kNone);
      for (std::size_t i = 0; i < row; ++i) place(i);
    }
    place(row);
  }

  std::size_t bytes() const noexcept { return slots_.size() * sizeof(std::size_t); }

 private:
  static constexpr std::size_t kNone = ~std::size_t{0};

  std::size_t hash(const Count* marking) const {
    std::uint64_t hash = places_;
    for (std::size_t p = 0; p < places_; ++p) {
      hash = (hash ^ static_cast<std::uint32_t>(marking[p])) * 0x9E3779B97F4A7C15U;
      hash ^= hash >> 32;
    }
    return hash;
  }

  void place(std::size_t row) {
    std::size_t i = hash(rows_.data() + row * places_) & (slots_.size() - 1);
    while (slots_[i] != kNone) i = (i + 1) & (slots_.size() - 1);
    slots_[i] = row;
  }

  std::size_t places_;
  const std::vector<Count>& rows_;
  std::vector<std::size_t> slots_;  // rows; a power of two
  std::size_t size_ = 0;
};

class Walk {
 public:
  Walk(const Net& net, std::span<const std::uint8_t> control, CoverabilityLimits limits, const Stop& stop)
      : net_(net),
        control_(control),
        limits_(limits),
        stop_(stop),
        places_(net.places()),
        seen_(places_, tree_.markings),
        antichain_(places_, control, tree_.markings),
        next_(places_) {
    tree_.enabled_at.assign(net.transitions(), -1);
  }

  CoverabilityTree run() {
    next_ = net_.spec().initial;
    if (std::find(next_.begin(), next_.end(), kOmega) != next_.end()) {
      tree_.end = CoverabilityEnd::kOverflow;
      return std::move(tree_);
    }
    accept(-1, -1);
    while (!path_.empty()) {
      Frame& frame = path_.back();
      if (tree_.maximal[frame.node] == 0 || frame.transition == net_.transitions()) {
        path_.pop_back();
        path_bits_.pop_back();
        continue;
      }
      const std::size_t t = frame.transition++;
      const std::size_t node = frame.node;
      if (stopped()) {
        tree_.end = CoverabilityEnd::kStopped;
        break;
      }
      if (!fire(node, t)) continue;
      if (tree_.enabled_at[t] < 0) tree_.enabled_at[t] = static_cast<std::int64_t>(node);
      if (seen_.holds(next_.data())) continue;
      if (overflow_) {
        tree_.end = CoverabilityEnd::kOverflow;
        break;
      }
      if (accelerate() && seen_.holds(next_.data())) continue;
      if (antichain_.is_below_a_member(next_)) continue;
      if (const auto end = limit()) {
        tree_.end = *end;
        break;
      }
      accept(static_cast<std::int64_t>(node), static_cast<std::int32_t>(t));
    }
    return std::move(tree_);
  }

 private:
  // The path from the root to the node in hand; ancestors that are not maximal any more stay on it.
  struct Frame {
    std::size_t node;
    std::size_t transition;  // the next one to try
  };

  // Ancestors nearer than kNear are all compared with a new node; of those farther away every kStride-th one, and
  // only with every kStride-th node, so that a long path does not cost its square. Still, an infinite path would have
  // infinitely many nodes that are all compared with each other, which is what termination rests on.
  static constexpr std::size_t kNear = 4096;
  static constexpr std::size_t kStride = 64;

  const Count* row(std::size_t node) const { return tree_.markings.data() + node * places_; }

  bool fire(std::size_t node, std::size_t t) {
    const Count* from = row(node);
    const auto links = net_.links(t);
    for (const Link& link : links) {
      const Count tokens = from[link.place];
      if (link.most < link.least) return false;  // at no marking
      if (tokens < link.least || (control_[link.place] != 0 && tokens > link.most)) return false;
    }
    std::copy_n(from, places_, next_.begin());
    overflow_ = false;
    for (const Link& link : links) {
      Count& tokens = next_[link.place];
      if (tokens == kOmega) continue;
      const bool resets = link.resets && control_[link.place] != 0;
      const std::int64_t after = resets ? link.output : std::int64_t{tokens} - link.input + link.output;
      if (after >= kOmega) overflow_ = true;
      tokens = static_cast<Count>(std::min<std::int64_t>(after, kOmega));
    }
    return true;
  }

  // Turns places of next_ that a repeatable path fills into omega. True if there were any.
  bool accelerate() {
    pumps_.clear();
    for (bool again = true; again;) {
      again = false;
      const std::uint64_t bits = antichain_.bits(next_);
      const std::size_t depth = path_.size();
      const std::size_t near = depth > kNear ? depth - kNear : 0;
      for (std::size_t i = depth; i-- > near;) again |= pump_from(i, bits);
      if (near > 0 && depth % kStride == 0) {
        for (std::size_t i = near / kStride * kStride; i > 0; i -= kStride) again |= pump_from(i, bits);
        again |= pump_from(0, bits);
      }
      work_ += depth - near;
    }
    return !pumps_.empty();
  }

  // `bits` may be from before an earlier pump of the same round: what it misses then, the next round finds.
  bool pump_from(std::size_t at, std::uint64_t bits) {
    if ((path_bits_[at] & ~bits) != 0) return false;
    const Count* ancestor = row(path_[at].node);
    if (!antichain_.below(ancestor, next_.data())) return false;
    bool grew = false;
    for (std::size_t p = 0; p < places_; ++p) {
      if (next_[p] != kOmega && ancestor[p] < next_[p]) {
        next_[p] = kOmega;
        grew = true;
      }
    }
    if (grew) pumps_.push_back(path_[at].node);
    return grew;
  }

  void accept(std::int64_t parent, std::int32_t transition) {
    const std::size_t node = tree_.parents.size();
    antichain_.add(next_, node, [&](std::size_t gone) { tree_.maximal[gone] = 0; });
    tree_.markings.insert(tree_.markings.end(), next_.begin(), next_.end());
    tree_.parents.push_back(parent);
    tree_.transitions.push_back(transition);
    tree_.maximal.push_back(1);
    for (const std::size_t ancestor : pumps_) {
      tree_.pumps.push_back(static_cast<std::int64_t>(node));
      tree_.pumps.push_back(static_cast<std::int64_t>(ancestor));
    }
    seen_.add(node);
    path_.push_back({node, 0});
    path_bits_.push_back(antichain_.bits(next_));
  }

  // Whether the next node may not be added.
  std::optional<CoverabilityEnd> limit() {
    const std::size_t nodes = tree_.parents.size();
    if (nodes >= limits_.nodes) return CoverabilityEnd::kNodes;
    const std::size_t bytes = tree_.markings.capacity() * sizeof(Count) + nodes * 64 +
                              tree_.pumps.capacity() * sizeof(std::int64_t) + antichain_.bytes() + seen_.bytes();
    // A vector doubles as it grows: the old and the new storage exist together.
    const bool grows = tree_.markings.size() + places_ > tree_.markings.capacity();
    if (bytes + (grows ? 2 * tree_.markings.size() * sizeof(Count) : 0) > limits_.bytes) {
      return CoverabilityEnd::kMemory;
    }
    return std::nullopt;
  }

  bool stopped() {
    work_ += 8;
    if (!stop_ || work_ + antichain_.work() < polled_ + (1U << 16)) return false;
    polled_ = work_ + antichain_.work();
    return stop_(tree_.parents.size());
  }

  const Net& net_;
  std::span<const std::uint8_t> control_;
  CoverabilityLimits limits_;
  const Stop& stop_;
  std::size_t places_;
  CoverabilityTree tree_;
  Seen seen_;
  Antichain antichain_;
  std::vector<Frame> path_;
  std::vector<std::uint64_t> path_bits_;
  std::vector<Count> next_;
  std::vector<std::size_t> pumps_;  // ancestors of next_ that were pumped
  bool overflow_ = false;
  std::uint64_t work_ = 0, polled_ = 0;
};

// Among the maximal markings, those below another where their control places differ are not maximal after all.
void compare_across_controls(std::size_t places, CoverabilityTree& tree, const Stop& stop) {
  const std::vector<std::uint8_t> none(places, 0);
  Antichain antichain(places, none, tree.markings);
  std::uint64_t polled = 0;
  for (std::size_t node = 0; node < tree.maximal.size(); ++node) {
    if (tree.maximal[node] == 0) continue;
    if (stop && antichain.work() > polled + (1U << 16)) {
      polled = antichain.work();
      if (stop(node)) {
        tree.end = CoverabilityEnd::kStopped;
        return;
      }
    }
    const std::span<const Count> marking(tree.markings.data() + node * places, places);
    if (antichain.is_below_a_member(marking)) {
      tree.maximal[node] = 0;
    } else {
      antichain.add(marking, node, [&](std::size_t gone) { tree.maximal[gone] = 0; });
    }
  }
}

}  // namespace

CoverabilityTree cover(const Net& net, std::span<const std::uint8_t> control, CoverabilityLimits limits,
                       const Stop& stop) {
  assert(control.size() == net.places());
  CoverabilityTree tree = Walk(net, control, limits, stop).run();
  const bool controlled = std::any_of(control.begin(), control.end(), [](std::uint8_t flag) { return flag != 0; });
  if (controlled && tree.end == CoverabilityEnd::kComplete) compare_across_controls(net.places(), tree, stop);
  return tree;
}

}  // namespace petricore
