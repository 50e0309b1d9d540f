#include "petricore/stubborn.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <map>
#include <random>
#include <stdexcept>

#include "nets.hpp"

using namespace petricore;
using petricore::test::make_net;

namespace {

using Marking = std::vector<Count>;
using Random = std::mt19937;

constexpr std::size_t kMostStates = 400;

struct Explored {
  std::size_t states = 0;
  bool complete = true, deadlock = false, goal = false;
};

Marking fire(const Net& net, std::uint32_t t, Marking marking) {
  for (const Link& link : net.links(t)) {
    marking[link.place] = link.resets ? link.output : marking[link.place] + link.delta();
  }
  return marking;
}

std::vector<std::uint32_t> enabled_at(const Net& net, const Marking& marking) {
  std::vector<std::uint32_t> enabled;
  for (std::uint32_t t = 0; t < net.transitions(); ++t) {
    if (net.is_enabled(t, marking.data())) enabled.push_back(t);
  }
  return enabled;
}

// All markings that the search reaches, with all enabled transitions or those of a stubborn set.
Explored explore(const Net& net, const StubbornSets* sets, const Predicate* goal, std::size_t most = kMostStates) {
  Explored result;
  std::map<Marking, int> seen{{net.spec().initial, 0}};
  std::vector<Marking> queue{net.spec().initial};
  std::optional<StubbornSets::Scratch> scratch;
  if (sets) scratch.emplace(*sets);
  for (std::size_t i = 0; i < queue.size(); ++i) {
    const Marking marking = queue[i];
    const auto enabled = enabled_at(net, marking);
    result.deadlock = result.deadlock || enabled.empty();
    if (goal && goal->holds(marking.data())) {
      result.goal = true;
      continue;
    }
    std::span<const std::uint32_t> fired = enabled;
    if (sets) fired = sets->choose(marking.data(), enabled, *scratch);
    CHECK(std::includes(enabled.begin(), enabled.end(), fired.begin(), fired.end()));
    for (const std::uint32_t t : fired) {
      Marking next = fire(net, t, marking);
      if (*std::max_element(next.begin(), next.end()) > 12 || queue.size() >= most) {
        result.complete = false;
        continue;
      }
      if (seen.try_emplace(next, 0).second) queue.push_back(std::move(next));
    }
  }
  result.states = queue.size();
  return result;
}

Count pick(Random& random, Count least, Count most) {
  return std::uniform_int_distribution<Count>(least, most)(random);
}

std::vector<Arc> arcs(Random& random, std::uint32_t places, Count most, Count weights) {
  std::vector<Arc> row;
  for (std::uint32_t p = 0; p < places; ++p) {
    if (pick(random, 0, static_cast<Count>(places) - 1) < most) row.push_back({p, pick(random, 1, weights)});
  }
  return row;
}

Net random_net(Random& random) {
  const auto places = static_cast<std::uint32_t>(pick(random, 2, 7));
  Marking initial, capacities;
  for (std::uint32_t p = 0; p < places; ++p) {
    initial.push_back(pick(random, 0, 2));
    capacities.push_back(pick(random, 0, 3) == 0 ? kUnbounded : pick(random, 2, 4));
  }
  std::vector<test::TransitionSpec> transitions(static_cast<std::size_t>(pick(random, 1, 7)));
  const bool plain = pick(random, 0, 2) == 0;
  for (auto& t : transitions) {
    t.inputs = arcs(random, places, 1, 2);
    t.outputs = arcs(random, places, 1, 2);
    if (plain) continue;
    if (pick(random, 0, 2) == 0) t.reads = arcs(random, places, 1, 2);
    if (pick(random, 0, 2) == 0) t.inhibitors = arcs(random, places, 1, 3);
    if (pick(random, 0, 3) == 0) t.resets = arcs(random, places, 1, 1);
  }
  return make_net(std::move(initial), transitions, std::move(capacities));
}

// Up to six atoms with random jumps: any shape that a formula can have, and more.
Predicate random_goal(Random& random, std::size_t places) {
  const auto size = static_cast<std::uint32_t>(pick(random, 1, 6));
  Csr<Predicate::Term> terms;
  std::vector<Predicate::Atom> atoms;
  for (std::uint32_t i = 0; i < size; ++i) {
    std::vector<Predicate::Term> row;
    for (std::uint32_t p = 0; p < places; ++p) {
      if (pick(random, 0, 2) == 0) row.push_back({p, pick(random, -2, 2)});
    }
    terms.append(row);
    const auto later = [&] {
      return static_cast<std::uint32_t>(pick(random, static_cast<Count>(i) + 1, static_cast<Count>(size) + 1));
    };
    atoms.push_back({pick(random, -4, 4), later(), later()});
  }
  return {places, std::move(terms), std::move(atoms)};
}

Net make_philosophers(std::uint32_t size) {
  Marking initial(std::size_t{4} * size, 0);
  std::vector<test::TransitionSpec> transitions;
  for (std::uint32_t i = 0; i < size; ++i) {
    const std::uint32_t fork = 4 * i, next_fork = 4 * ((i + 1) % size), thinks = fork + 1, waits = fork + 2,
                        eats = fork + 3;
    initial[fork] = initial[thinks] = 1;
    transitions.push_back({{{fork, 1}, {thinks, 1}}, {{waits, 1}}});
    transitions.push_back({{{next_fork, 1}, {waits, 1}}, {{eats, 1}}});
    transitions.push_back({{{eats, 1}}, {{fork, 1}, {next_fork, 1}, {thinks, 1}}});
  }
  return make_net(std::move(initial), transitions);
}

}  // namespace

TEST_CASE("a search with stubborn sets finds a deadlock exactly where there is one") {
  Random random(20261123);
  std::size_t nets = 0, deadlocks = 0, all = 0, reduced = 0;
  for (int i = 0; i < 6000; ++i) {
    const Net net = random_net(random);
    const Explored whole = explore(net, nullptr, nullptr);
    if (!whole.complete) continue;
    const StubbornSets sets(net);
    const Explored part = explore(net, &sets, nullptr);
    REQUIRE(part.deadlock == whole.deadlock);
    CHECK(part.states <= whole.states);
    ++nets;
    deadlocks += whole.deadlock;
    all += whole.states;
    reduced += part.states;
  }
  MESSAGE(nets << " nets, " << deadlocks << " with a deadlock, " << all << " states, reduced to " << reduced);
  CHECK(nets >= 2000);
  CHECK(deadlocks >= 200);
  CHECK(reduced < all);
}

TEST_CASE("a search with stubborn sets reaches a goal exactly where it can be reached") {
  Random random(20261124);
  std::size_t nets = 0, reached = 0, all = 0, reduced = 0;
  for (int i = 0; i < 6000; ++i) {
    const Net net = random_net(random);
    const Predicate goal = random_goal(random, net.places());
    const Explored whole = explore(net, nullptr, &goal);
    if (!whole.complete) continue;
    const StubbornSets sets(net, goal);
    const Explored part = explore(net, &sets, &goal);
    REQUIRE(part.goal == whole.goal);
    CHECK(part.states <= whole.states);
    ++nets;
    reached += whole.goal;
    all += whole.states;
    reduced += part.states;
  }
  MESSAGE(nets << " nets, " << reached << " reach the goal, " << all << " states, reduced to " << reduced);
  CHECK(nets >= 2000);
  CHECK(reached >= 200);
  CHECK(reduced < all);
}

TEST_CASE("independent rings are searched one after the other") {
  Marking initial;
  std::vector<test::TransitionSpec> transitions;
  for (std::uint32_t i = 0; i < 6; ++i) {
    initial.insert(initial.end(), {1, 0});
    transitions.push_back({{{2 * i, 1}}, {{2 * i + 1, 1}}});
  }
  const Net net = make_net(std::move(initial), transitions);
  CHECK(explore(net, nullptr, nullptr).states == 64);
  const StubbornSets sets(net);
  CHECK(explore(net, &sets, nullptr).states == 7);
}

TEST_CASE("philosophers need a quadratic number of states, not an exponential one") {
  const Net net = make_philosophers(8);
  const StubbornSets sets(net);
  const Explored part = explore(net, &sets, nullptr, 10000);
  CHECK(part.complete);
  CHECK(part.deadlock);
  CHECK(part.states <= 256);
}

TEST_CASE("a goal that nothing can bring about needs no search") {
  const Net net = make_net({1, 1}, {{{{0, 1}}, {}}, {{{1, 1}}, {{1, 1}}}});
  // p0 >= 2, that is -p0 <= -2
  const Predicate goal(2, Csr<Predicate::Term>::from_rows({{{0, -1}}}), {{-2, 1, 2}});
  const StubbornSets sets(net, goal);
  StubbornSets::Scratch scratch(sets);
  CHECK(sets.choose(Marking{1, 1}.data(), std::vector<std::uint32_t>{0, 1}, scratch).empty());
}

TEST_CASE("a goal about other places than the net's is refused") {
  const Net net = make_net({1}, {});
  CHECK_THROWS_AS(StubbornSets(net, Predicate(2, Csr<Predicate::Term>::from_rows({{}}), {{0, 1, 2}})),
                  std::invalid_argument);
}
