// Bytes -> a net and a sequence of calls on a Fleet. After every call each token is where the ledger below says: free
// in its place, held by one firing, or gone; and resource tokens add up. A refused call must have changed nothing.
#include <algorithm>
#include <map>
#include <stdexcept>
#include <vector>

#include "bytes.hpp"
#include "fleet_spec.hpp"
#include "petricore/fleet.hpp"

namespace {

using namespace petricore;
using namespace petricore::fuzz;

constexpr std::size_t kMostSessions = 4;
constexpr Id kNobody = -1;

// The tokens to put, and the arrays that an Emission looks at.
struct Outputs {
  std::vector<std::int32_t> places, opened;
  std::vector<Id> keys;
  std::vector<std::uint64_t> guards;
  std::vector<std::uint8_t> members;

  Emission emission() const { return {places, keys, 1, guards, members, opened}; }
};

struct Token {
  Id session = 0;
  Id place = 0;
  std::size_t age = 0;
  Id holder = kNobody;  // the firing that consumed it
};

class Ledger {
 public:
  Ledger(Bytes& bytes, const FleetSpec& spec) : bytes_(bytes), spec_(spec), fleet_(spec) {
    for (const auto& [place, tokens] : spec.resources) resources_[place] = tokens;
  }

  void play() {
    open();
    while (!bytes_.empty()) {
      call();
      check_all();
    }
    for (const Id session : sessions_) fleet_.close(session);
    check(fleet_.sessions() == 0 && fleet_.pending() + fleet_.stalled() == 0,
          "closing all sessions leaves nothing to do");
  }

 private:
  struct Firing {
    Id session;
    std::size_t transition;
  };

  void call() {
    try {
      switch (bytes_.below(9)) {
        case 0:
          return open();
        case 1:
          return close();
        case 2:
        case 3:
          return put();
        case 4:
        case 5:
          return claim();
        case 6:
          return end();
        case 7:
          return release();
        default:
          return bytes_.once_in(2) ? drop() : supply();
      }
    } catch (const std::invalid_argument&) {  // refused: check_all() then finds all as it was
    } catch (const UnknownId&) {
    }
  }

  // Now and then an id that never was.
  template <class Ids>
  Id draw_id(const Ids& ids) {
    if (ids.empty() || bytes_.once_in(50)) return 1 + draw_index(bytes_, 256);
    return ids[bytes_.below(std::min<std::size_t>(ids.size(), 256))];
  }

  void open() {
    if (sessions_.size() >= kMostSessions) return;
    for (const Id session : fleet_.open(1 + draw_index(bytes_, 2), draw_index(bytes_, 3))) sessions_.push_back(session);
  }

  void close() {
    const Id session = draw_id(sessions_);
    fleet_.close(session);
    check(std::erase(sessions_, session) == 1, "only an open session closes");
    std::erase_if(tokens_, [&](const auto& entry) { return entry.second.session == session; });
    for (const auto& [id, firing] : firings_) {
      if (firing.session == session) give_back(firing.transition);
    }
    std::erase_if(firings_, [&](const auto& entry) { return entry.second.session == session; });
  }

  Outputs draw_outputs(std::size_t most) {
    Outputs outputs;
    const bool with_keys = !bytes_.once_in(8);
    const bool with_guards = bytes_.once_in(2);
    for (std::size_t n = bytes_.below(most + 1); n > 0; --n) {
      outputs.places.push_back(static_cast<std::int32_t>(bytes_.below(kPlaces)));
      if (with_keys) outputs.keys.push_back(draw_index(bytes_, 3));
      if (with_guards) outputs.guards.push_back(bytes_.below(4));
    }
    return outputs;
  }

  void record(Id session, const Outputs& outputs, const std::vector<Id>& ids) {
    check(ids.size() == outputs.places.size(), "an id a token");
    for (std::size_t i = 0; i < ids.size(); ++i) {
      const bool fresh = tokens_.emplace(ids[i], Token{session, outputs.places[i], ++age_}).second;
      check(fresh, "a new token has an id that no living token has");
    }
  }

  void put() {
    const Id session = draw_id(sessions_);
    const Outputs outputs = draw_outputs(5);
    record(session, outputs, fleet_.put(session, outputs.emission()));
  }

  void claim() {
    const Id limit = draw_index(bytes_, 5);
    const Claims claims = fleet_.claim(limit);
    check(static_cast<Id>(claims.firings.size()) <= limit, "no more firings than asked for");
    for (std::size_t i = 0; i < claims.firings.size(); ++i) record_claim(claims, i);
  }

  void record_claim(const Claims& claims, std::size_t i) {
    const Id firing = claims.firings[i];
    const auto transition = static_cast<std::size_t>(claims.transitions[i]);
    check(firings_.emplace(firing, Firing{claims.sessions[i], transition}).second, "a new firing has an id of its own");
    auto arc = static_cast<std::size_t>(claims.arcs[i]);
    for (const auto& input : spec_.inputs) {
      if (static_cast<std::size_t>(input.transition) != transition) continue;
      if (resources_.contains(input.place)) {
        resources_[input.place] -= input.weight;
        continue;
      }
      const auto first = static_cast<std::size_t>(claims.offsets[arc]);
      const auto last = static_cast<std::size_t>(claims.offsets[arc + 1]);
      take(input, {claims.tokens.data() + first, last - first}, claims.sessions[i], firing);
      ++arc;
    }
    check(arc == static_cast<std::size_t>(claims.arcs[i + 1]), "every arc is listed");
  }

  void take(const FleetSpec::Input& input, std::span<const Id> taken, Id session, Id firing) {
    const auto mode = static_cast<ArcMode>(input.mode);
    const bool exact = mode == ArcMode::kTake || mode == ArcMode::kRead;
    const auto count = static_cast<Id>(taken.size());
    check(exact ? count == input.weight : count >= input.weight, "an arc takes its weight");
    for (const Id id : taken) {
      const auto token = tokens_.find(id);
      check(token != tokens_.end(), "what is claimed lives");
      check(token->second.session == session && token->second.place == input.place, "it stands in the arc's place");
      check(token->second.holder == kNobody || (mode == ArcMode::kRead && token->second.holder == firing),
            "nobody else holds it");
      if (mode != ArcMode::kRead) token->second.holder = firing;
    }
  }

  Id draw_firing() {
    std::vector<Id> ids;
    for (const auto& [id, firing] : firings_) ids.push_back(id);
    return draw_id(ids);
  }

  // Tokens that the transition may put, in lists where it scatters.
  Outputs outputs_of(std::size_t transition) {
    Outputs outputs = draw_outputs(0);
    for (const auto& arc : spec_.outputs) {
      if (static_cast<std::size_t>(arc.transition) != transition || resources_.contains(arc.place)) continue;
      const bool list = std::ranges::count(spec_.scatters, std::pair{arc.transition, arc.place}) > 0;
      const auto place = static_cast<std::int32_t>(arc.place);
      if (list) outputs.opened.push_back(place);
      for (std::size_t n = bytes_.below(3); n > 0; --n) {
        outputs.places.push_back(place);
        outputs.keys.push_back(draw_index(bytes_, 3));
        outputs.guards.push_back(bytes_.below(4));
        outputs.members.push_back(list ? 1 : 0);
      }
    }
    return outputs;
  }

  // emit, complete or fail
  void end() {
    const Id id = draw_firing();
    const auto known = firings_.find(id);
    const Firing firing = known == firings_.end() ? Firing{0, 0} : known->second;
    const Outputs outputs = outputs_of(firing.transition);
    const std::size_t way = bytes_.below(4);
    if (way == 0) {
      record(firing.session, outputs, fleet_.emit(id, outputs.emission()));
      return;
    }
    const auto put = way == 1 ? fleet_.fail(id, outputs.emission()) : fleet_.complete(id, outputs.emission());
    std::erase_if(tokens_, [&](const auto& entry) { return entry.second.holder == id; });
    record(firing.session, outputs, put);
    forget(id);
  }

  void release() {
    const Id id = draw_firing();
    fleet_.release(id);
    for (auto& [token, state] : tokens_) {
      if (state.holder == id) state.holder = kNobody;
    }
    forget(id);
  }

  void forget(Id id) {
    const auto known = firings_.find(id);
    check(known != firings_.end(), "only a living firing ends");
    give_back(known->second.transition);
    firings_.erase(known);
  }

  void give_back(std::size_t transition) {
    for (const auto& arc : spec_.outputs) {
      if (static_cast<std::size_t>(arc.transition) == transition && resources_.contains(arc.place)) {
        resources_[arc.place] += arc.weight;
      }
    }
  }

  void drop() {
    std::vector<Id> ids;
    for (const auto& [id, token] : tokens_) ids.push_back(id);
    const Id id = draw_id(ids);
    const auto known = tokens_.find(id);
    fleet_.drop(known == tokens_.end() ? draw_id(sessions_) : known->second.session, id);
    check(known != tokens_.end() && known->second.holder == kNobody, "only a free token is dropped");
    tokens_.erase(known);
  }

  void supply() {
    const Id place = draw_index(bytes_, kPlaces);
    const Id n = draw_index(bytes_, 3);
    fleet_.supply(place, n);
    resources_.at(place) += n;
  }

  void check_all() const {
    check(fleet_.sessions() == sessions_.size(), "the open sessions");
    for (const Id session : sessions_) check_session(session);
    for (const auto& [place, tokens] : fleet_.resources())
      check(resources_.at(place) == tokens, "resource tokens add up");
    std::size_t enabled = 0;
    for (const Id session : sessions_) enabled += fleet_.enabled(session).size();
    check(fleet_.pending() + fleet_.stalled() == enabled, "what is enabled waits to be claimed");
  }

  void check_session(Id session) const {
    const std::vector<Count> marking = fleet_.marking(session);
    for (std::size_t p = 0; p < kPlaces; ++p) {
      const auto place = static_cast<Id>(p);
      if (resources_.contains(place)) continue;
      const std::vector<Id> expected = free_tokens(session, place);
      check(fleet_.tokens(session, place) == expected, "the free tokens of a place, oldest first");
      check(static_cast<std::size_t>(marking[p]) == expected.size(), "the marking counts the free tokens");
    }
    std::vector<Id> firings;
    for (const auto& [id, firing] : firings_) {
      if (firing.session == session) firings.push_back(id);
    }
    std::vector<Id> found = fleet_.firings(session);
    std::ranges::sort(found);
    check(found == firings, "the firings of a session");
  }

  std::vector<Id> free_tokens(Id session, Id place) const {
    std::vector<std::pair<std::size_t, Id>> by_age;
    for (const auto& [id, token] : tokens_) {
      if (token.session == session && token.place == place && token.holder == kNobody)
        by_age.emplace_back(token.age, id);
    }
    std::ranges::sort(by_age);
    std::vector<Id> ids;
    ids.reserve(by_age.size());
    for (const auto& [age, id] : by_age) ids.push_back(id);
    return ids;
  }

  Bytes& bytes_;
  const FleetSpec& spec_;
  Fleet fleet_;
  std::vector<Id> sessions_;
  std::map<Id, Token> tokens_;
  std::map<Id, Firing> firings_;
  std::map<Id, Id> resources_;  // place -> free tokens
  std::size_t age_ = 0;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Bytes bytes(data, size);
  const FleetSpec spec = draw_spec(bytes);
  try {
    Ledger(bytes, spec).play();
  } catch (const std::invalid_argument&) {  // a spec that no Fleet is made of
  }
  return 0;
}
