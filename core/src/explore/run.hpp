// The loops, instantiated for each number of words, each in a file of its own so that they compile side by side.
#pragma once

#include "dense.hpp"
#include "explorer.hpp"
#include "parallel_breadth_first.hpp"
#include "petricore/net.hpp"
#include "sparse.hpp"

namespace petricore::explore {

template <class Successors>
Pause run_loop(Store& store, const Net& net, const Successors& successors, const SearchOptions& options) {
  const std::uint64_t cost = net.transitions() / 4 + store.layout.words();
  if (options.order == SearchOrder::kDepthFirst) return DepthFirst<Successors>(store, successors, options).run(cost);
  if (store.together) return ParallelBreadthFirst<Successors>(store, successors, options).run();
  return BreadthFirst<Successors>(store, successors, options).run(cost);
}

// REQUIRES: is_dense(net, store.layout), and W words.
template <std::size_t W>
Pause run_dense(Store& store, const Net& net, const SearchOptions& options) {
  const auto run = [&]<bool kCounters, bool kFlags>() {
    return run_loop(store, net, DenseSuccessors<W, kCounters, kFlags>(net, store.layout), options);
  };
  if (!store.layout.has_flags()) return run.template operator()<true, false>();
  if (!store.layout.has_counters()) return run.template operator()<false, true>();
  return run.template operator()<true, true>();
}

Pause run_sparse(Store& store, const Net& net, const SearchOptions& options);
Pause run_reduced(Store& store, const Net& net, const SearchOptions& options);

extern template Pause run_dense<1>(Store&, const Net&, const SearchOptions&);
extern template Pause run_dense<2>(Store&, const Net&, const SearchOptions&);
extern template Pause run_dense<3>(Store&, const Net&, const SearchOptions&);
extern template Pause run_dense<4>(Store&, const Net&, const SearchOptions&);

}  // namespace petricore::explore
