#include "petricore/walk.hpp"

#include <doctest/doctest.h>

#include "nets.hpp"

namespace petricore::test {
namespace {

// A token that goes back and forth, one of them at a time: `left` fills only by luck or by guidance.
Net shuttle(Count tokens) { return make_net({tokens, 0}, {{{{0, 1}}, {{1, 1}}}, {{{1, 1}}, {{0, 1}}}}); }

// -m[place] <= -count
Predicate at_least(std::size_t places, std::uint32_t place, Count count) {
  return {places, Csr<Predicate::Term>({0, 1}, {{place, -1}}), {{-std::int64_t{count}, 1, 2}}};
}

std::vector<Count> after(const Net& net, const std::vector<std::uint32_t>& trace) {
  const FiringTables tables(net);
  State state(net, tables, net.spec().initial);
  for (const std::uint32_t t : trace) state.fire(t);
  return {state.marking().begin(), state.marking().end()};
}

}  // namespace

TEST_CASE("a guided walk fills a place that a uniform one would not, and its trace replays") {
  const Net net = shuttle(50);
  const FiringTables tables(net);
  const Predicate goal = at_least(2, 1, 50);
  const Walked walked = walk_to(net, tables, &goal, {100'000});
  REQUIRE(walked.found);
  CHECK(walked.trace == std::vector<std::uint32_t>(50, 0));
  CHECK(after(net, walked.trace) == std::vector<Count>{0, 50});
}

TEST_CASE("a deadlock is found, and none is where something is always enabled") {
  const Net dying = make_net({3, 0}, {{{{0, 1}}, {{1, 1}}}, {{{1, 1}}, {}}});
  const FiringTables tables(dying);
  const Walked walked = walk_to(dying, tables, nullptr, {1'000});
  REQUIRE(walked.found);
  CHECK(after(dying, walked.trace) == std::vector<Count>{0, 0});

  const Net ring = make_ring(5, 2);
  CHECK_FALSE(walk_to(ring, FiringTables(ring), nullptr, {1'000}).found);
}

TEST_CASE("a net where nothing is enabled ends the search at once") {
  const Net net = make_net({0}, {{{{0, 1}}, {}}});
  const Predicate goal = at_least(1, 0, 1);
  CHECK_FALSE(walk_to(net, FiringTables(net), &goal, {1'000'000'000}).found);
  CHECK(walk_to(net, FiringTables(net), nullptr, {1'000'000'000}).found);
}

TEST_CASE("walks of one firing, or of none that fits, stop when they are told to") {
  // Whatever fires first, the next firing would exceed what a place can hold.
  const Net growing = make_net({0}, {{{}, {{0, kMaxTokens}}}, {{}, {{0, kMaxTokens}}}});
  // Whatever fires first, nothing can fire then.
  const Net ending = make_net({1, 0}, {{{{0, 1}}, {}}, {{{0, 1}}, {}}});
  for (const Net* net : {&growing, &ending}) {
    std::uint64_t asked = 0;
    WalkOptions options{1'000'000'000};
    options.stop = [&](std::uint64_t) { return ++asked == 3; };
    const Predicate goal = at_least(net->places(), static_cast<std::uint32_t>(net->places() - 1), kMaxTokens);
    const Predicate never{net->places(), Csr<Predicate::Term>({0, 0}, {}), {{-1, 2, 2}}};
    CHECK_FALSE(walk_to(*net, FiringTables(*net), net == &ending ? &goal : &never, options).found);
    CHECK(asked == 3);
  }
}

TEST_CASE("resets, inhibitors and overflows end no search") {
  // 0 grows by half of all that fits, and transition 1 empties it.
  const Net net = make_net({0, 0}, {{{}, {{0, kMaxTokens / 2}}}, {{}, {{1, 1}}, {}, {{1, 3}}, {{0, 1}}}});
  const FiringTables tables(net);
  const std::vector<Predicate::Term> terms{{1, 1}};
  const Climbed climbed = climb(net, tables, terms, 100, {20'000});
  CHECK(climbed.best == 3);
  CHECK(after(net, climbed.trace)[1] == 3);
  const Predicate both = at_least(2, 0, kMaxTokens);
  CHECK_FALSE(walk_to(net, tables, &both, {20'000}).found);
}

TEST_CASE("what a plan counts is fired first") {
  const Net net = shuttle(1'000);
  const Predicate goal = at_least(2, 1, 1'000);
  const std::vector<std::int64_t> plan{1'000, 0};
  const Walked walked = walk_to(net, FiringTables(net), &goal, {5'000, 3, plan, {}});
  CHECK(walked.found);
  CHECK(walked.steps == 1'000);
}

TEST_CASE("transitions seen enabled are those that can be") {
  const Net net = make_net({1, 0}, {{{{0, 1}}, {{0, 1}}}, {{{1, 1}}, {}}});
  CHECK(seen_enabled(net, FiringTables(net), {1'000}) == std::vector<std::uint8_t>{1, 0});
}

TEST_CASE("a stop ends the walks") {
  const Net net = make_ring(4, 1);
  int asked = 0;
  const Walked walked =
      walk_to(net, FiringTables(net), nullptr, {~std::uint64_t{0}, 0, {}, [&](std::uint64_t) { return ++asked == 3; }});
  CHECK_FALSE(walked.found);
  CHECK(walked.steps <= 4 * 4096);
}

}  // namespace petricore::test
