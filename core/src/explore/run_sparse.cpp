#include "run.hpp"

namespace petricore::explore {

Pause run_sparse(Store& store, const Net& net, const SearchOptions& options) {
  return run_loop(store, net, SparseSuccessors(net, store.layout), options);
}

}  // namespace petricore::explore
