// The extreme rays of the cone {x >= 0 : x^T A = 0} for a sparse integer matrix A.
//
// J. Martinez and M. Silva, "A simple and fast algorithm to obtain all invariants of a generalised Petri net", 1982
// (10.1007/978-3-642-68353-4_47), which is the double description method (Farkas, Motzkin): columns are made zero one
// after the other by adding each row with a positive entry to each with a negative one.
#pragma once

#include <cstdint>
#include <vector>

#include "petricore/semiflows.hpp"

namespace petricore {

struct MatrixEntry {
  std::uint32_t column;
  std::int64_t value;  // not 0
};

struct Generator {
  std::uint32_t index;               // of the unknown
  std::vector<MatrixEntry> entries;  // its row of A, by ascending column
};

// REQUIRES: the generators' indices ascend. Arithmetic is checked: 64 bits, and 128 from the start when that overflows.
Semiflows extreme_rays(const std::vector<Generator>& generators, std::size_t columns, const SemiflowOptions& options);

}  // namespace petricore
