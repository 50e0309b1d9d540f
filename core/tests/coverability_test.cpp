#include "petricore/coverability.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <limits>
#include <set>

#include "nets.hpp"

namespace petricore::test {
namespace {

constexpr CoverabilityLimits kNoLimits{std::numeric_limits<std::size_t>::max(),
                                       std::numeric_limits<std::size_t>::max()};

std::set<std::vector<Count>> maximal(const Net& net, const CoverabilityTree& tree) {
  std::set<std::vector<Count>> rows;
  for (std::size_t i = 0; i < tree.maximal.size(); ++i) {
    const Count* row = tree.markings.data() + i * net.places();
    if (tree.maximal[i] != 0) rows.emplace(row, row + net.places());
  }
  return rows;
}

CoverabilityTree covered(const Net& net, std::vector<std::uint8_t> control = {}) {
  control.resize(net.places(), 0);
  return cover(net, control, kNoLimits, {});
}

}  // namespace

TEST_CASE("a producer fills its store, and a stopped one keeps what is there") {
  const Net net = make_net({1, 0, 0}, {{{{0, 1}}, {{0, 1}, {1, 1}}}, {{{0, 1}}, {{2, 1}}}, {{{2, 2}}, {{0, 1}}}});
  const CoverabilityTree tree = covered(net);
  CHECK(tree.end == CoverabilityEnd::kComplete);
  CHECK(maximal(net, tree) == std::set<std::vector<Count>>{{1, kOmega, 0}, {0, kOmega, 1}});
  CHECK(tree.enabled_at[2] == -1);
  REQUIRE(tree.pumps.size() == 2);
  CHECK(tree.pumps[1] == 0);
}

TEST_CASE("a marking below a later one is dropped") {
  const Net net = make_net({2, 0}, {{{{0, 1}}, {}}, {{{0, 2}}, {{0, 2}, {1, 1}}}, {{{1, 3}}, {}}});
  CHECK(maximal(net, covered(net)) == std::set<std::vector<Count>>{{2, kOmega}});
}

TEST_CASE("inhibitors are obeyed on control places and ignored elsewhere") {
  const Net net = make_net({1, 0}, {{{}, {{1, 1}}, {}, {{0, 1}}}});
  CHECK(maximal(net, covered(net, {1, 0})) == std::set<std::vector<Count>>{{1, 0}});
  CHECK(maximal(net, covered(net)) == std::set<std::vector<Count>>{{1, kOmega}});
}

TEST_CASE("a place with a capacity stays within it") {
  const Net net = make_net({0, 0}, {{{}, {{0, 1}}}, {{{0, 2}}, {{1, 1}}}}, {3, kUnbounded});
  CHECK(maximal(net, covered(net, {1, 0})) == std::set<std::vector<Count>>{{3, kOmega}});
}

TEST_CASE("a count too large for int32 ends it") {
  const Net net = make_net({1, 0}, {{{{0, 1}}, {{1, kMaxTokens}}}});
  CHECK(covered(net).end == CoverabilityEnd::kOverflow);
}

TEST_CASE("limits and stop end it with a part of the tree") {
  const Net net = make_ring(12, 6);
  const std::vector<std::uint8_t> control(net.places(), 0);
  const CoverabilityTree few = cover(net, control, {10, kNoLimits.bytes}, {});
  CHECK(few.end == CoverabilityEnd::kNodes);
  CHECK(few.parents.size() == 10);
  CHECK(cover(net, control, {kNoLimits.nodes, 100'000}, {}).end == CoverabilityEnd::kMemory);
  CHECK(cover(net, control, kNoLimits, [](std::uint64_t) { return true; }).end == CoverabilityEnd::kStopped);
}

}  // namespace petricore::test
