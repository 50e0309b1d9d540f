// Sessions of a Fleet as bytes, and claims of given tokens.
#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "fleet_bytes.hpp"
#include "petricore/fleet.hpp"

using namespace petricore;

namespace {

constexpr std::int64_t kTake = 0, kDrain = 1, kGather = 2, kRead = 3;

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

// One transition from place 0, and from a pool of `tokens` on place 1 that gets back what it lends.
FleetSpec pooled(std::int64_t tokens) {
  FleetSpec spec;
  spec.places = 3;
  spec.transitions = 1;
  spec.inputs = {{0, 0, kTake, 1, -1, -1}, {0, 1, kTake, 1, -1, -1}};
  spec.outputs = {{0, 1, 1}, {0, 2, 1}};
  spec.resources = {{1, tokens}};
  return spec;
}

struct Put {
  std::vector<std::int32_t> places, opened;
  std::vector<std::uint8_t> members;
  Emission emission() const {
    Emission one;
    one.places = places;
    one.members = members;
    one.opened = opened;
    return one;
  }
};

std::vector<std::int64_t> put(Fleet& fleet, std::int64_t session, std::vector<std::int32_t> places) {
  return fleet.put(session, Put{std::move(places), {}, {}}.emission());
}
std::vector<std::int64_t> complete(Fleet& fleet, std::int64_t firing, std::vector<std::int32_t> places = {}) {
  return fleet.complete(firing, Put{std::move(places), {}, {}}.emission());
}
void fork(Fleet& fleet, std::int64_t firing, std::size_t n) {
  fleet.complete(firing, Put{std::vector<std::int32_t>(n, 1), {1}, std::vector<std::uint8_t>(n, 1)}.emission());
}

std::string refusal(Fleet& fleet, const std::vector<std::byte>& data) {
  try {
    fleet.load(data);
  } catch (const std::invalid_argument& error) {
    return error.what();
  }
  return "";
}

// The same bytes with others in front of the checksum, which is right again.
std::vector<std::byte> forged(std::vector<std::byte> data, std::size_t at, int value) {
  data.erase(data.end() - 8, data.end());
  data.at(at) = static_cast<std::byte>(value);
  const auto sum = fleet::checksum(data);
  for (int shift = 0; shift < 64; shift += 8) data.push_back(static_cast<std::byte>(sum >> shift));
  return data;
}

}  // namespace

TEST_CASE("a fork in the middle of its work is joined after loading, in order of arrival") {
  Fleet old(fork_join());
  const auto session = old.open(1).front();
  put(old, session, {0});
  fork(old, old.claim(1).firings.front(), 3);
  const auto work = old.claim(10);
  REQUIRE(work.firings.size() == 3);
  complete(old, work.firings[2], {2});
  complete(old, work.firings[0], {2});
  const auto saved = old.save(session);
  CHECK(saved.tokens.size() == 3);
  CHECK(saved.firings == std::vector{work.firings[1]});

  Fleet fresh(fork_join());
  const auto loaded = fresh.load(saved.data);
  CHECK(fresh.save(loaded.session).data == saved.data);
  CHECK(fresh.claim(10).firings.empty());
  CHECK(fresh.waiting(loaded.session).front().members.size() == 2);
  const auto last = complete(fresh, loaded.firings.front(), {2}).front();
  const auto joined = fresh.claim(10);
  REQUIRE(joined.firings.size() == 1);
  // the bytes hold tokens by age: the one in work came first
  CHECK(joined.tokens == std::vector{loaded.tokens[1], loaded.tokens[2], last});
}

TEST_CASE("what a loaded session holds is freed when it closes") {
  Fleet fleet(fork_join());
  const auto session = fleet.open(1).front();
  put(fleet, session, {0, 0});
  const auto forks = fleet.claim(2);
  fork(fleet, forks.firings[0], 2);
  fleet.claim(1);
  const auto saved = fleet.save(session);
  for (int i = 0; i < 100; ++i) {
    const auto loaded = fleet.load(saved.data);
    CHECK(fleet.save(loaded.session).data == saved.data);
    fleet.close(loaded.session);
  }
  CHECK(fleet.save(session).data == saved.data);
  fleet.close(session);
  CHECK(fleet.sessions() == 0);
  CHECK(fleet.pending() + fleet.stalled() == 0);
}

TEST_CASE("loaded firings overdraw their pool, and nobody is served from it before it recovers") {
  Fleet old(pooled(2)), fresh(pooled(1));
  std::vector<LoadedSession> loaded;
  const auto sessions = old.open(2);
  for (const auto session : sessions) put(old, session, {0, 0});
  CHECK(old.claim(10).firings.size() == 2);
  for (const auto session : sessions) loaded.push_back(fresh.load(old.save(session).data));
  CHECK(fresh.resources().front().second == -1);
  CHECK(fresh.claim(10).firings.empty());
  complete(fresh, loaded[0].firings.front());
  CHECK(fresh.resources().front().second == 0);
  CHECK(fresh.claim(10).firings.empty());
  fresh.close(loaded[1].session);
  CHECK(fresh.claim(10).firings.size() == 1);
}

TEST_CASE("an exact claim takes from anywhere in the line and overdraws its pool") {
  Fleet fleet(pooled(0));
  const auto session = fleet.open(1).front();
  const auto tokens = put(fleet, session, {0, 0, 0});
  const auto firing = fleet.claim_exactly(session, 0, {{tokens[1]}});
  CHECK(fleet.tokens(session, 0) == std::vector{tokens[0], tokens[2]});
  CHECK(fleet.resources().front().second == -1);
  fleet.release(firing);
  CHECK(fleet.tokens(session, 0) == tokens);
  CHECK(fleet.resources().front().second == 0);
}

TEST_CASE("an exact claim that cannot have been is refused and changes nothing") {
  FleetSpec spec;
  spec.places = 3;
  spec.transitions = 2;
  spec.inputs = {{0, 0, kTake, 1, -1, -1}, {0, 1, kRead, 2, -1, -1}, {1, 2, kDrain, 1, -1, -1}};
  Fleet fleet(spec);
  const auto session = fleet.open(1).front();
  const auto tokens = put(fleet, session, {0, 1, 1, 2, 2});
  const auto before = fleet.save(session).data;
  CHECK_THROWS_WITH(fleet.claim_exactly(session, 0, {{tokens[0]}, {tokens[1], tokens[1]}}),
                    doctest::Contains("transition 0: token"));
  CHECK_THROWS_WITH(fleet.claim_exactly(session, 0, {{tokens[1]}, {tokens[1], tokens[2]}}),
                    doctest::Contains("is not free in place 0"));
  CHECK_THROWS_WITH(fleet.claim_exactly(session, 1, {{tokens[3]}}), doctest::Contains("takes all 2 tokens, not 1"));
  CHECK_THROWS_AS(fleet.claim_exactly(session, 1, {{tokens[3], -1}}), UnknownId);
  CHECK(fleet.save(session).data == before);
  CHECK(fleet.claim(10).firings.size() == 2);
}

TEST_CASE("an exact claim of no members closes the empty group that was closed first") {
  Fleet fleet(fork_join());
  const auto session = fleet.open(1).front();
  put(fleet, session, {0, 0, 0});
  const auto forks = fleet.claim(3).firings;
  fork(fleet, forks[0], 1);
  fork(fleet, forks[2], 0);
  fork(fleet, forks[1], 0);
  CHECK_THROWS_WITH(fleet.claim_exactly(session, 2, {fleet.tokens(session, 1)}), doctest::Contains("not free"));
  Fleet twin(fork_join());
  const auto loaded = twin.load(fleet.save(session).data);
  fleet.claim_exactly(session, 2, {{}});
  CHECK(twin.claim_exactly(loaded.session, 2, {{}}) >= 0);
  CHECK(twin.save(loaded.session).data == fleet.save(session).data);
  fleet.claim_exactly(session, 2, {{}});
  CHECK_THROWS_WITH(fleet.claim_exactly(session, 2, {{}}), doctest::Contains("transition 2"));
}

TEST_CASE("bytes that are damaged, of another net or too many keys are refused by name") {
  Fleet fleet(fork_join()), other(pooled(1));
  const auto session = fleet.open(1).front();
  put(fleet, session, {0});
  const auto data = fleet.save(session).data;
  CHECK(refusal(other, data) == "saved session: it is of another net");
  CHECK(refusal(fleet, {}) == "saved session: it is cut off");
  auto damaged = data;
  damaged[3] ^= std::byte{4};
  CHECK(refusal(fleet, damaged) == "saved session: its checksum is wrong");
  CHECK(refusal(fleet, forged(data, 0, 9)) == "saved session: it is of version 9, not 1");
  const std::vector<std::int64_t> keys{1};
  CHECK_THROWS_WITH(fleet.load(data, keys), doctest::Contains("keys: 1 values for 1 tokens and 0 key slots"));
  CHECK(fleet.sessions() == 1);
}

TEST_CASE("forged bytes with a right checksum are refused, or make a session that works") {
  Fleet old(fork_join());
  const auto session = old.open(1).front();
  put(old, session, {0, 0, 0});
  const auto forks = old.claim(2);
  fork(old, forks.firings[0], 2);
  complete(old, old.claim(2).firings[0]);
  for (const auto firing : old.claim(3).firings) CHECK(firing >= 0);
  const auto saved = old.save(session);
  std::size_t refused = 0, accepted = 0;
  for (std::size_t at = 0; at + 8 < saved.data.size(); ++at)
    for (int value = 0; value < 256; ++value) {
      Fleet fleet(fork_join());
      LoadedSession loaded;
      try {
        loaded = fleet.load(forged(saved.data, at, value));
      } catch (const std::invalid_argument&) {
        ++refused;
        CHECK(fleet.sessions() == 0);
        continue;
      }
      ++accepted;
      for (const auto firing : loaded.firings) complete(fleet, firing);
      for (const auto firing : fleet.claim(10).firings) fleet.release(firing);
      fleet.close(loaded.session);
      CHECK(fleet.pending() + fleet.stalled() == 0);
    }
  CHECK(refused > accepted);
}

TEST_CASE("what contradicts itself or the net is refused by name, though its sum is right") {
  FleetSpec spec;  // 0 -fork-> 1 -fork-> 2 -join-> 3 -join-> 4, and a transition from 4 to 5, which holds two tokens
  spec.places = 6;
  spec.transitions = 5;
  spec.inputs = {{0, 0, kTake, 1, -1, -1},
                 {1, 1, kTake, 1, -1, -1},
                 {2, 2, kGather, 0, -1, -1},
                 {3, 3, kGather, 0, -1, -1},
                 {4, 4, kTake, 1, -1, -1}};
  spec.outputs = {{0, 1, 1}, {1, 2, 1}, {2, 3, 1}, {3, 4, 1}, {4, 5, 1}};
  spec.scatters = {{0, 1}, {1, 2}};
  spec.capacities = {{5, 2}};
  Fleet old(spec);
  const auto session = old.open(1).front();
  put(old, session, {0, 4, 4});
  const auto forks = old.claim(10).firings;  // the fork, and both that go to 5
  REQUIRE(forks.size() == 3);
  fork(old, forks.front(), 2);
  for (const auto inner : old.claim(10).firings) old.complete(inner, Put{{2, 2}, {2}, {1, 1}}.emission());
  CHECK(old.claim(1).firings.size() == 1);  // a join of two
  const auto saved = old.save(session);

  std::string all;
  for (std::size_t at = 0; at + 8 < saved.data.size(); ++at)
    for (int value = 0; value < 128; ++value) {
      Fleet fleet(spec);
      all += refusal(fleet, forged(saved.data, at, value)) + '\n';
    }
  for (const auto& why : std::vector<std::string>{
           "the groups of a scope are out of order", "is held twice", "closes no gathering of its own",
           "closes a group without gathering, or the reverse", "a gathering fires without a firing",
           "holds a token of another group than it closes", "holds a token that it does not take", "did not open group",
           "keeps other seats than it needs in place 5", "gathers nothing", "there are bytes behind its end",
           "it is cut off", "is not below"}) {
    CAPTURE(why);
    CHECK(all.find(why) != std::string::npos);
  }
}
