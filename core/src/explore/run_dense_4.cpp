#include "run.hpp"

namespace petricore::explore {

template Pause run_dense<4>(Store&, const Net&, const SearchOptions&);

}  // namespace petricore::explore
