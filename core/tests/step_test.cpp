#include "petricore/step.hpp"

#include <doctest/doctest.h>

#include "nets.hpp"
#include "petricore/error.hpp"

using namespace petricore;
using petricore::test::make_net;

TEST_CASE("a maximal step shares what there is") {
  const Net net = make_net({5, 1}, {{{{0, 2}}, {}}, {{{0, 1}, {1, 1}}, {}}, {{{0, 1}}, {}}});
  std::vector<Count> counts(3);
  maximal_steps(Bulk(net), net.spec().initial.data(), 1, StepPolicy::kFifo, 0, counts.data());
  CHECK(counts == std::vector<Count>{2, 1, 0});
}

TEST_CASE("a transition that empties a place is in nobody's step who needs it") {
  const Net net = make_net({3}, {{{}, {}, {}, {}, {{0, 1}}}, {{{0, 1}}, {}}});
  Step step(net);
  step.load(net.spec().initial.data());
  CHECK(step.room(1) == 3);
  step.add(1, 1);
  CHECK(step.room(0, 1) == 0);
}

TEST_CASE("firing consumes, empties, then puts") {
  const Net net = make_net({4}, {{{{0, 1}}, {{0, 2}}, {}, {}, {{0, 1}}}});
  const std::vector<Count> one{1};
  std::vector<Count> after(1);
  fire_steps(net, net.spec().initial.data(), one.data(), 1, after.data());
  CHECK(after == std::vector<Count>{2});
}

TEST_CASE("an overflow names the row and the exact count") {
  const Net net = make_net({kMaxTokens, 1}, {{{{1, 1}}, {{0, 5}}}});
  std::vector<Count> markings = {0, 1, kMaxTokens, 1};
  const std::vector<Count> firings = {1, 1};
  std::vector<Count> after(4);
  try {
    fire_steps(net, markings.data(), firings.data(), 2, after.data());
    FAIL("accepted");
  } catch (const TokenOverflow& error) {
    CHECK(error.marking == 1);
    CHECK(error.place == 0);
    CHECK(error.count == std::int64_t{kMaxTokens} + 5);
  }
}
