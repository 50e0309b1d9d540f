#include "reduced.hpp"
#include "run.hpp"

namespace petricore::explore {

Pause run_reduced(Store& store, const Net& net, const SearchOptions& options) {
  const Predicate* goal = options.reduction == Reduction::kGoal ? options.goal : nullptr;
  return run_loop(store, net, ReducedSuccessors(net, store.layout, goal), options);
}

}  // namespace petricore::explore
