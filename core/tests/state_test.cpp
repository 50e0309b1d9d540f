#include "petricore/state.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <numeric>

#include "nets.hpp"
#include "petricore/error.hpp"

using namespace petricore;
using petricore::test::make_net;
using petricore::test::make_ring;

namespace {

void check_invariants(const Net& net, const State& state) {
  std::vector<std::uint32_t> expected, found(state.enabled().begin(), state.enabled().end());
  for (std::uint32_t t = 0; t < net.transitions(); ++t) {
    if (net.is_enabled(t, state.marking().data())) expected.push_back(t);
  }
  std::sort(found.begin(), found.end());
  CHECK(found == expected);
}

}  // namespace

TEST_CASE("tokens in a ring are conserved by small nets and large ones") {
  for (const std::uint32_t size : {2U, 64U, 65U, 256U, 257U, 2000U}) {  // both sides of the branch-free walk's limit
    const Net net = make_ring(size, 7);
    const FiringTables tables(net);
    State state(net, tables, net.spec().initial);
    Rng rng(1);
    CHECK(state.run(10'000, rng) == 10'000);
    CHECK(std::accumulate(state.marking().begin(), state.marking().end(), 0) == 7);
    check_invariants(net, state);
  }
}

TEST_CASE("a refused firing changes nothing") {
  const Net net = make_net({0, kMaxTokens, 1}, {{{{0, 1}}, {}}, {{{2, 1}}, {{1, 1}}}});
  const FiringTables tables(net);
  State state(net, tables, net.spec().initial);
  const std::vector<Count> before(state.marking().begin(), state.marking().end());
  CHECK_THROWS_AS(state.fire(0), NotEnabled);
  CHECK_THROWS_AS(state.fire(1), TokenOverflow);
  Rng rng(1);
  CHECK_THROWS_AS(state.run(1, rng), TokenOverflow);
  CHECK(std::ranges::equal(state.marking(), before));
  check_invariants(net, state);
}

TEST_CASE("resets and inhibitors keep the enabled set exact") {
  const Net net =
      make_net({3, 0}, {{{{0, 1}}, {{1, 1}}}, {{}, {{0, 2}}, {}, {{0, 2}}}, {{{1, 2}}, {}, {}, {}, {{0, 1}}}});
  const FiringTables tables(net);
  State state(net, tables, net.spec().initial);
  Rng rng(9);
  for (int i = 0; i < 200; ++i) {
    if (state.run(1, rng) == 0) break;
    check_invariants(net, state);
  }
}
