// How markings are connected, found by expanding them again.
//
// How one was reached: no parent is stored: a firing without resets can be undone, so the candidates for the
// marking before are computed and looked up, and the first found of them was there when this one was found.
#include <algorithm>
#include <vector>

#include "petricore/state_space.hpp"
#include "sparse.hpp"
#include "store.hpp"

namespace petricore {

using explore::Store;
using explore::Word;

namespace {

struct Step {
  std::uint32_t from;
  std::uint32_t transition;
};

constexpr std::size_t kPollEvery = 1024;  // markings expanded
constexpr std::size_t kPollSteps = 16;    // backwards, each of which tries all transitions

bool has_resets(const Net& net) { return !net.spec().resets.items().empty(); }

// The marking with the smallest number that one firing turns into marking i.
Step first_predecessor(const Store& store, const Net& net, std::size_t i) {
  Step best{StateSpace::kNone, 0};
  std::vector<Count> marking(net.places());
  store.layout.decode(store.state(i), marking.data());
  std::vector<Word> packed(store.layout.words());
  for (std::uint32_t t = 0; t < net.transitions(); ++t) {
    const auto links = net.links(t);
    const bool possible = std::ranges::all_of(links, [&](const Link& link) {
      const std::int64_t before = std::int64_t{marking[link.place]} - link.delta();
      return before >= 0 && before <= kMaxTokens && link.admits(static_cast<Count>(before));
    });
    if (!possible) continue;
    for (const Link& link : links) marking[link.place] -= link.delta();
    if (store.layout.encode(marking.data(), packed.data())) {
      const std::uint32_t from = store.find(packed.data(), explore::hash_words(packed.data(), packed.size()));
      if (from < best.from) best = {from, t};
    }
    for (const Link& link : links) marking[link.place] += link.delta();
  }
  return best;
}

// The firing that found each marking first, by exploring again: a reset forgets what was there before.
// Empty if told to stop.
std::vector<Step> all_predecessors(const Store& store, const Net& net, const Stop& stop) {
  std::vector<Step> steps(store.size, {StateSpace::kNone, 0});
  const explore::SparseSuccessors successors(net, store.layout);
  const std::size_t words = store.layout.words();
  for (std::uint32_t i = 0; i < store.size; ++i) {
    if (i % kPollEvery == 0 && stop && stop(i)) return {};
    std::uint32_t overflowed = 0;
    successors(store.state(i), overflowed, [&](const Word* state, Word, std::uint32_t t) {
      const std::uint32_t target = store.find(state, explore::hash_words(state, words));
      if (target != StateSpace::kNone && target > i && steps[target].from == StateSpace::kNone) steps[target] = {i, t};
      return true;
    });
  }
  return steps;
}

}  // namespace

std::vector<std::uint32_t> StateSpace::path(std::size_t i, const Stop& stop) const {
  std::vector<std::uint32_t> transitions;
  const bool again = has_resets(net_);
  const std::vector<Step> known = again ? all_predecessors(*store_, net_, stop) : std::vector<Step>{};
  if (again && known.empty()) return {};
  while (i != 0) {
    if (!again && transitions.size() % kPollSteps == 0 && stop && stop(transitions.size())) return {};
    const Step step = again ? known[i] : first_predecessor(*store_, net_, i);
    transitions.push_back(step.transition);
    i = step.from;
  }
  std::ranges::reverse(transitions);
  return transitions;
}

StateSpace::Edges StateSpace::edges(const Stop& stop) const {
  Edges found{{0}, {}, {}};
  found.targets.reserve(store_->firings);
  found.transitions.reserve(store_->firings);
  const explore::SparseSuccessors successors(net_, store_->layout);
  for (std::size_t i = 0; i < store_->expanded; ++i) {
    if (i % kPollEvery == 0 && stop && stop(i)) break;
    std::uint32_t overflowed = 0;
    successors(store_->state(i), overflowed, [&](const Word* state, Word hash, std::uint32_t t) {
      found.targets.push_back(store_->find(state, hash));
      found.transitions.push_back(static_cast<std::int32_t>(t));
      return true;
    });
    found.offsets.push_back(static_cast<std::int64_t>(found.targets.size()));
  }
  return found;
}

}  // namespace petricore
