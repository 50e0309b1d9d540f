#include "petricore/net.hpp"

#include <doctest/doctest.h>

#include <stdexcept>

#include "nets.hpp"

using namespace petricore;
using petricore::test::make_net;
using petricore::test::make_spec;

TEST_CASE("all arcs between a transition and a place become one link") {
  const Net net = make_net({5}, {{{{0, 2}}, {{0, 3}}, {{0, 4}}, {{0, 9}}, {}}}, {8});
  REQUIRE(net.links(0).size() == 1);
  const Link& link = net.links(0)[0];
  CHECK(link.least == 4);  // the read arc asks for more than the input
  CHECK(link.most == 7);   // 8 - 3 + 2: tighter than the inhibitor
  CHECK(link.delta() == 1);
  CHECK(net.is_enabled(0, std::vector<Count>{4}.data()));
  CHECK_FALSE(net.is_enabled(0, std::vector<Count>{3}.data()));
  CHECK_FALSE(net.is_enabled(0, std::vector<Count>{8}.data()));
}

TEST_CASE("a capacity binds only where something is put") {
  const Net net = make_net({5}, {{{{0, 1}}, {}}}, {5});
  CHECK(net.links(0)[0].most == kMaxTokens);
}

TEST_CASE("an output that no capacity can hold never fires, even after a reset") {
  const Net net = make_net({0}, {{{}, {{0, 9}}, {}, {}, {{0, 1}}}}, {5});
  CHECK_FALSE(net.is_enabled(0, std::vector<Count>{0}.data()));
}

TEST_CASE("transitions are served by priority, then by position") {
  const Net net = make_net({1}, {{{}, {}, {}, {}, {}, 0}, {{}, {}, {}, {}, {}, 2}, {{}, {}, {}, {}, {}, 2}});
  CHECK(std::vector<std::uint32_t>(net.by_priority().begin(), net.by_priority().end()) ==
        std::vector<std::uint32_t>{1, 2, 0});
}

TEST_CASE("what does not fit together is refused") {
  CHECK_THROWS_AS(make_net({0}, {{{{1, 1}}, {}}}), std::invalid_argument);          // no such place
  CHECK_THROWS_AS(make_net({0}, {{{{0, 0}}, {}}}), std::invalid_argument);          // weight 0
  CHECK_THROWS_AS(make_net({0}, {{{{0, 1}, {0, 1}}, {}}}), std::invalid_argument);  // twice
  CHECK_THROWS_AS(make_net({-1}, {}), std::invalid_argument);
  CHECK_THROWS_AS(make_net({6}, {}, {5}), std::invalid_argument);
  auto spec = make_spec({0}, {{{}, {}}});
  spec.rates.clear();
  CHECK_THROWS_AS(Net{std::move(spec)}, std::invalid_argument);
}
