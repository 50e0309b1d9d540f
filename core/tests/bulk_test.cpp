#include "petricore/bulk.hpp"

#include <doctest/doctest.h>

#include "nets.hpp"
#include "petricore/conflict.hpp"
#include "petricore/error.hpp"
#include "petricore/rng.hpp"

using namespace petricore;
using petricore::test::make_net;
using petricore::test::make_ring;
using petricore::test::TransitionSpec;

namespace {

// 150 places and transitions with every kind of bound, so that blocks, tiles and words all have ragged ends.
Net ragged_net() {
  constexpr std::uint32_t kSize = 150;
  Rng rng(3);
  std::vector<TransitionSpec> transitions;
  for (std::uint32_t t = 0; t < kSize; ++t) {
    const std::uint32_t p = rng.below(kSize), q = (p + 1 + rng.below(kSize - 1)) % kSize;
    transitions.push_back({{{p, static_cast<Count>(1 + rng.below(3))}}, {{q, 1}}, {{q, 1}}, {{q, 6}}});
  }
  return make_net(std::vector<Count>(kSize, 1), transitions);
}

std::vector<Count> random_markings(const Net& net, std::size_t batch) {
  Rng rng(5);
  std::vector<Count> markings(batch * net.places());
  for (Count& count : markings) count = static_cast<Count>(rng.below(8));
  return markings;
}

}  // namespace

TEST_CASE("bulk enabling agrees with looking at one transition at a time") {
  const Net net = ragged_net();
  const Bulk bulk(net);
  for (const std::size_t batch : {1, 63, 64, 65, 300}) {
    const auto markings = random_markings(net, batch);
    for (const unsigned threads : {1U, 2U}) {
      std::vector<std::uint8_t> enabled(batch * net.transitions(), 7);
      bulk.enabled(markings.data(), batch, enabled.data(), threads);
      for (std::size_t i = 0; i < batch; ++i) {
        for (std::size_t t = 0; t < net.transitions(); ++t) {
          REQUIRE(enabled[i * net.transitions() + t] == net.is_enabled(t, &markings[i * net.places()]));
        }
      }
    }
  }
}

TEST_CASE("a negative count is named by row and place") {
  const Net net = make_ring(70, 1);
  const Bulk bulk(net);
  std::vector<Count> markings(200 * 70, 1);
  markings[130 * 70 + 69] = -4;
  std::vector<std::uint8_t> enabled(200 * 70);
  try {
    bulk.enabled(markings.data(), 200, enabled.data());
    FAIL("accepted");
  } catch (const NegativeTokens& error) {
    CHECK(error.marking == 130);
    CHECK(error.place == 69);
    CHECK(error.count == -4);
  }
}

TEST_CASE("degrees count firings that can happen at once") {
  // 0: consumes 2 of 7 tokens; 1: has no input; 2: holds a token while it fires; 3: fills a place with room for 3.
  const Net net =
      make_net({7, 0}, {{{{0, 2}}, {}}, {{}, {}}, {{{0, 1}}, {{0, 1}}}, {{{0, 1}}, {{1, 1}}}}, {kUnbounded, 3});
  std::vector<Count> degrees(4);
  Bulk(net).enabling_degree(net.spec().initial.data(), 1, degrees.data());
  CHECK(degrees == std::vector<Count>{3, kMaxTokens, 7, 3});
}

TEST_CASE("the degree of a disabled transition is 0 where its bounds leave the range of a count") {
  // Each firing would put 2 and 3 tokens into a place with room for 1: the bound is below 0.
  const Net net = make_net({1}, {{{}, {{0, 2}}}, {{}, {{0, 3}}}, {{}, {{0, 1}}}}, {1});
  const Count full = kMaxTokens;
  std::vector<Count> degrees(3);
  Bulk(net).enabling_degree(&full, 1, degrees.data());
  CHECK(degrees == std::vector<Count>{0, 0, 0});
}

TEST_CASE("conflicts do not depend on the number of threads") {
  const Net net = ragged_net();
  const Bulk bulk(net);
  const auto markings = random_markings(net, 300);
  const Conflicts one = find_conflicts(bulk, markings.data(), 300, 1);
  const Conflicts two = find_conflicts(bulk, markings.data(), 300, 2);
  CHECK(one.offsets == two.offsets);
  CHECK(one.pairs.size() == two.pairs.size());
  CHECK_FALSE(one.pairs.empty());
}
