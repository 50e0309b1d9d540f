#include "petricore/state_space.hpp"

#include <algorithm>
#include <cassert>

#include "limits.hpp"
#include "petricore/error.hpp"
#include "run.hpp"
#include "store.hpp"

namespace petricore {

using explore::Layout;
using explore::Pause;
using explore::Store;
using explore::Word;

namespace {

Pause run(Store& store, const Net& net, const SearchOptions& options) {
  if (options.reduction != Reduction::kNone) return run_reduced(store, net, options);
  if (!explore::is_dense(net, store.layout)) return run_sparse(store, net, options);
  switch (store.layout.words()) {
    case 1:
      return explore::run_dense<1>(store, net, options);
    case 2:
      return explore::run_dense<2>(store, net, options);
    case 3:
      return explore::run_dense<3>(store, net, options);
    default:
      return explore::run_dense<4>(store, net, options);
  }
}

void add_initial(Store& store, const Net& net, const SearchOptions& options) {
  const std::size_t words = store.layout.words();
  [[maybe_unused]] const bool fits = store.layout.encode(net.spec().initial.data(), store.states.data());
  assert(fits);
  store.states.resize(words);
  store.table.add(explore::hash_words(store.state(0), words), 0);
  store.size = 1;
  if (options.order == SearchOrder::kDepthFirst) store.stack.push_back(0);
  if (options.goal != nullptr && options.goal->holds(net.spec().initial.data())) {
    store.end = SearchEnd::kGoal;
    store.found = 0;
  }
}

void explore_all(Store& store, const Net& net, const SearchOptions& options) {
  add_initial(store, net, options);
  while (store.end != SearchEnd::kGoal) {
    const Pause pause = run(store, net, options);
    if (pause.ended) break;
    if (pause.together || pause.alone) {
      if (pause.alone) store.threads = 1;
      store.together = pause.together;
      continue;
    }
    const explore::Widening wider = explore::widen(store, net, options.bounds, pause.marking, pause.overflowed);
    if (wider.too_many < net.places()) {
      store.end = SearchEnd::kTokenOverflow;
      store.overflowing_place = wider.too_many;
      break;
    }
    if (!store.repack(Layout(wider.limits))) {
      store.end = SearchEnd::kMemoryLimit;
      break;
    }
  }
  if (options.reduction == Reduction::kGoal) store.deadlocks.clear();  // a set without enabled members is no deadlock
  std::ranges::sort(store.deadlocks);
}

}  // namespace

StateSpace::StateSpace(const Net& net, const SearchOptions& options)
    : net_(net), store_(std::make_unique<Store>(Layout(explore::first_limits(net, options.bounds)), options)) {
  explore_all(*store_, net, options);
}

StateSpace::~StateSpace() = default;
StateSpace::StateSpace(StateSpace&&) noexcept = default;

SearchEnd StateSpace::end() const noexcept { return store_->end; }
std::size_t StateSpace::size() const noexcept { return store_->size; }
std::size_t StateSpace::expanded() const noexcept { return store_->expanded; }
std::uint64_t StateSpace::firings() const noexcept { return store_->firings; }
std::uint32_t StateSpace::found() const noexcept { return store_->found; }
std::size_t StateSpace::overflowing_place() const noexcept { return store_->overflowing_place; }
std::size_t StateSpace::bytes() const noexcept { return store_->bytes(); }
std::size_t StateSpace::words() const noexcept { return store_->layout.words(); }
std::span<const std::uint32_t> StateSpace::deadlocks() const noexcept { return store_->deadlocks; }
std::span<const std::int64_t> StateSpace::edge_offsets() const noexcept { return store_->offsets.view(); }
std::span<const std::uint32_t> StateSpace::edge_targets() const noexcept { return store_->targets.view(); }
std::span<const std::int32_t> StateSpace::edge_transitions() const noexcept { return store_->transitions.view(); }

void StateSpace::marking(std::size_t i, Count* out) const noexcept { store_->layout.decode(store_->state(i), out); }

std::uint32_t StateSpace::find(std::span<const Count> marking) const {
  for (std::size_t p = 0; p < marking.size(); ++p) {
    if (marking[p] < 0) throw NegativeTokens(0, p, marking[p]);
  }
  std::vector<Word> packed(store_->layout.words());
  if (!store_->layout.encode(marking.data(), packed.data())) return kNone;
  return store_->find(packed.data(), explore::hash_words(packed.data(), packed.size()));
}

}  // namespace petricore
