#include "petricore/fleet.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <string>

using namespace petricore;

namespace {

constexpr std::int64_t kTake = 0, kGather = 2;

// source 0 -fork(list)-> 1 -work-> 2 -join(gather)-> 3
FleetSpec fork_join() {
  FleetSpec spec;
  spec.places = 4;
  spec.transitions = 3;
  spec.inputs = {{0, 0, kTake, 1, -1, -1}, {1, 1, kTake, 1, -1, -1}, {2, 2, kGather, 0, -1, -1}};
  spec.outputs = {{0, 1, 1}, {1, 2, 1}, {2, 3, 1}};
  spec.scatters = {{0, 1}};
  return spec;
}

FleetSpec ring() {
  FleetSpec spec;
  spec.places = 2;
  spec.transitions = 2;
  spec.inputs = {{0, 0, kTake, 1, -1, -1}, {1, 1, kTake, 1, -1, -1}};
  spec.outputs = {{0, 1, 1}, {1, 0, 1}};
  return spec;
}

Emission at(const std::vector<std::int32_t>& places) {
  Emission emission;
  emission.places = places;
  return emission;
}

}  // namespace

TEST_CASE("a fork of a thousand is joined once, in order of arrival") {
  Fleet fleet(fork_join());
  const auto session = fleet.open(1).front();
  const std::vector<std::int32_t> source{0}, done{2}, list(1000, 1);
  const std::vector<std::uint8_t> members(1000, 1);
  fleet.put(session, at(source));
  auto emission = at(list);
  emission.members = members;
  fleet.complete(fleet.claim(1).firings.front(), emission);

  auto work = fleet.claim(2000);
  REQUIRE(work.firings.size() == 1000);
  std::reverse(work.firings.begin(), work.firings.end());
  std::vector<std::int64_t> arrived;
  for (const auto firing : work.firings) {
    CHECK(fleet.claim(1).firings.empty());
    arrived.push_back(fleet.complete(firing, at(done)).front());
  }
  const auto joined = fleet.claim(10);
  REQUIRE(joined.firings.size() == 1);
  CHECK(joined.tokens == arrived);
  fleet.complete(joined.firings.front(), at({}));
  CHECK(fleet.claim(10).firings.empty());
  CHECK(fleet.waiting(session).empty());
}

TEST_CASE("a session that was never put into costs no block") {
  Fleet fleet(ring());
  fleet.open(100'000);
  CHECK(fleet.sessions() == 100'000);
  CHECK(fleet.pending() == 0);
  CHECK(fleet.session_bytes() < 256);
  CHECK(fleet.token_bytes() < 96);
}

TEST_CASE("ids of a closed session, an ended firing and a gone token stay dead when their slots are used again") {
  Fleet fleet(ring());
  const std::vector<std::int32_t> source{0}, next{1};
  const auto first = fleet.open(1).front();
  const auto token = fleet.put(first, at(source)).front();
  const auto firing = fleet.claim(1).firings.front();
  fleet.complete(firing, at(next));
  fleet.close(first);
  const auto second = fleet.open(1).front();
  fleet.put(second, at(source));
  fleet.claim(1);
  CHECK(second != first);
  CHECK_THROWS_AS(fleet.put(first, at(source)), UnknownId);
  CHECK_THROWS_AS(fleet.complete(firing, at(next)), UnknownId);
  CHECK_THROWS_AS(fleet.scope(token), UnknownId);
}

TEST_CASE("an error of an emission leaves the firing and the marking as they were") {
  Fleet fleet(ring());
  const std::vector<std::int32_t> source{0}, bad{1, 7}, next{1};
  const auto session = fleet.open(1).front();
  fleet.put(session, at(source));
  const auto firing = fleet.claim(1).firings.front();
  CHECK_THROWS_WITH_AS(fleet.complete(firing, at(bad)), "place 7 is not in 0..1", std::invalid_argument);
  CHECK(fleet.marking(session) == std::vector<Count>{0, 0});
  fleet.complete(firing, at(next));
  CHECK(fleet.marking(session) == std::vector<Count>{0, 1});
}

TEST_CASE("every session of ten thousand is served once before any is served twice") {
  Fleet fleet(ring());
  const std::vector<std::int32_t> three{0, 0, 0};
  const auto sessions = fleet.open(10'000);
  for (const auto session : sessions) fleet.put(session, at(three));
  for (int round = 0; round < 3; ++round) CHECK(fleet.claim(10'000).sessions == sessions);
  CHECK(fleet.claim(1).firings.empty());
}

TEST_CASE("an account with one session is claimed for as often as one with ten thousand, while both have tokens") {
  Fleet fleet(ring());
  const std::vector<std::int32_t> three{0, 0, 0};
  const auto sessions = fleet.open(10'000, 1);
  const auto alone = fleet.open(1, 2).front();
  for (const auto session : sessions) fleet.put(session, at(three));
  fleet.put(alone, at(three));
  CHECK(fleet.claim(6).sessions == std::vector{sessions[0], alone, sessions[1], alone, sessions[2], alone});
  CHECK(fleet.claim(3).sessions == std::vector{sessions[3], sessions[4], sessions[5]});
  CHECK_THROWS_WITH_AS(fleet.open(1, Fleet::kMaxAccount + 1), "account: 16777216 is not in 0..16777215",
                       std::invalid_argument);
}
