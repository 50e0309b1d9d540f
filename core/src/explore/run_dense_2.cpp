#include "run.hpp"

namespace petricore::explore {

template Pause run_dense<2>(Store&, const Net&, const SearchOptions&);

}  // namespace petricore::explore
