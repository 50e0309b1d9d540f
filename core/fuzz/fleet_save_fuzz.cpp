// Bytes -> a net, calls on a session of it, and what becomes of the session's own bytes. A second fleet is told exactly
// what the first one claims; at some moment a third loads what the first one saves and claims by itself. In the end
// all three save the same bytes. Bytes that were tampered with, their checksum mended, are refused or make a session
// that can be saved, loaded, played and closed like any other.
#include <algorithm>
#include <map>
#include <optional>
#include <stdexcept>
#include <vector>

#include "bytes.hpp"
#include "fleet_bytes.hpp"
#include "fleet_spec.hpp"
#include "petricore/fleet.hpp"

namespace {

using namespace petricore;
using namespace petricore::fuzz;

using Data = std::vector<std::byte>;

constexpr std::size_t kMostRunning = 12;

struct Outputs {
  std::vector<std::int32_t> places, opened;
  std::vector<Id> keys;
  std::vector<std::uint64_t> guards;
  std::vector<std::uint8_t> members;

  Emission emission() const { return {places, keys, 1, guards, members, opened}; }
};

struct Claim {
  std::size_t transition = 0;
  std::vector<std::vector<std::size_t>> arcs;  // positions of tokens
  bool operator==(const Claim&) const = default;
};

// One session of one fleet. Tokens and firings go by the order in which they came, which is the same in every fleet.
class Player {
 public:
  explicit Player(const FleetSpec& spec) : fleet_(spec), session_(fleet_.open(1).front()) {}

  Fleet& fleet() { return fleet_; }
  Id session() const { return session_; }
  Data save() const { return fleet_.save(session_).data; }
  std::size_t tokens() const { return tokens_.size(); }

  // Goes on with what the other one has saved.
  void load_from(const Player& other) {
    const SavedSession saved = other.fleet_.save(other.session_);
    fleet_.close(session_);
    const LoadedSession loaded = fleet_.load(saved.data);
    session_ = loaded.session;
    tokens_ = other.tokens_;
    firings_ = other.firings_;
    const auto rename = [](std::vector<Id>& ids, const std::vector<Id>& before, const std::vector<Id>& after) {
      for (Id& id : ids) {
        const auto at = std::ranges::find(before, id);
        id = at == before.end() ? Id{-1} : after[static_cast<std::size_t>(at - before.begin())];
      }
    };
    rename(tokens_, saved.tokens, loaded.tokens);
    rename(firings_, saved.firings, loaded.firings);
    index();
  }

  void record(const std::vector<Id>& ids) {
    for (const Id id : ids) {
      position_[id] = tokens_.size();
      tokens_.push_back(id);
    }
  }

  std::optional<Claim> claim() {
    const Claims claims = fleet_.claim(1);
    if (claims.firings.empty()) return std::nullopt;
    firings_.push_back(claims.firings.front());
    Claim claim{static_cast<std::size_t>(claims.transitions.front()), {}};
    for (std::size_t arc = 0; arc + 1 < claims.offsets.size(); ++arc) {
      auto& positions = claim.arcs.emplace_back();
      for (Id i = claims.offsets[arc]; i < claims.offsets[arc + 1]; ++i)
        positions.push_back(position_.at(claims.tokens[static_cast<std::size_t>(i)]));
    }
    return claim;
  }

  void claim_exactly(const Claim& claim) {
    std::vector<std::vector<Id>> arcs;
    for (const auto& positions : claim.arcs) {
      auto& arc = arcs.emplace_back();
      for (const std::size_t position : positions) arc.push_back(tokens_[position]);
    }
    firings_.push_back(fleet_.claim_exactly(session_, static_cast<Id>(claim.transition), arcs));
  }

  Id token(std::size_t position) const { return tokens_[position]; }
  Id firing(std::size_t position) const { return firings_[position]; }
  void ended(std::size_t position) { firings_.erase(firings_.begin() + static_cast<std::ptrdiff_t>(position)); }

 private:
  void index() {
    position_.clear();
    for (std::size_t i = 0; i < tokens_.size(); ++i) position_[tokens_[i]] = i;
  }

  Fleet fleet_;
  Id session_;
  std::vector<Id> tokens_, firings_;  // running ones
  std::map<Id, std::size_t> position_;
};

class Game {
 public:
  Game(Bytes& bytes, const FleetSpec& spec) : bytes_(bytes), spec_(spec), first_(spec), told_(spec), loaded_(spec) {}

  void play() {
    const std::size_t before = bytes_.below(40);
    for (std::size_t i = 0; i < before && !bytes_.empty(); ++i) call();
    loaded_.load_from(first_);
    balance();
    follows_ = true;
    check(loaded_.save() == first_.save(), "what was loaded is what was saved");
    const std::size_t after = bytes_.below(40);
    for (std::size_t i = 0; i < after && !bytes_.empty(); ++i) call();
    check(told_.save() == first_.save(), "a history told exactly comes to the same");
    check(loaded_.save() == first_.save(), "a loaded session goes on as the one it was");
    tamper();
    for (Player* player : {&first_, &told_, &loaded_}) close(player->fleet(), player->session());
  }

 private:
  static void close(Fleet& fleet, Id session) {
    fleet.close(session);
    check(fleet.sessions() == 0 && fleet.pending() + fleet.stalled() == 0, "closing leaves nothing to do");
  }

  // What is not given back is no part of a session: the pools of both are filled up to the same.
  void balance() {
    const auto mine = first_.fleet().resources(), theirs = loaded_.fleet().resources();
    for (std::size_t r = 0; r < mine.size(); ++r) {
      const Id lack = mine[r].second - theirs[r].second;
      (lack > 0 ? loaded_ : first_).fleet().supply(mine[r].first, lack > 0 ? lack : -lack);
    }
  }

  template <class Act>
  static bool refused(const Act& act) {
    try {
      act();
      return false;
    } catch (const std::invalid_argument&) {
    } catch (const UnknownId&) {
    }
    return true;
  }

  // The same on all; all refuse it or none.
  template <class Act>
  bool on_all(const Act& act) {
    const bool no = refused([&] { act(first_); });
    check(no == refused([&] { act(told_); }), "the told one refuses what the first does");
    if (follows_) check(no == refused([&] { act(loaded_); }), "the loaded one refuses what the first does");
    return !no;
  }

  void call() {
    const std::size_t way = bytes_.below(10);
    if (way < 3) return put();
    if (way < 6) return claim();
    if (way == 6 && first_.tokens() != 0) {
      const std::size_t token = bytes_.below(std::min<std::size_t>(first_.tokens(), 256));
      on_all([&](Player& player) { player.fleet().drop(player.session(), player.token(token)); });
    } else if (way == 7 && !spec_.resources.empty()) {
      const Id n = draw_index(bytes_, 3);
      on_all([&](Player& player) { player.fleet().supply(spec_.resources.front().first, n); });
    } else if (!running_.empty()) {
      end();
    }
  }

  void put() {
    Outputs outputs;
    for (std::size_t n = 1 + bytes_.below(4); n > 0; --n) add(outputs, draw_index(bytes_, kPlaces), false);
    outputs.members.clear();
    on_all([&](Player& player) { player.record(player.fleet().put(player.session(), outputs.emission())); });
  }

  void add(Outputs& outputs, Id place, bool member) {
    outputs.places.push_back(static_cast<std::int32_t>(place));
    outputs.keys.push_back(draw_index(bytes_, 3));
    outputs.guards.push_back(bytes_.below(4));
    outputs.members.push_back(member ? 1 : 0);
  }

  void claim() {
    if (running_.size() >= kMostRunning) return;
    const auto claimed = first_.claim();
    if (follows_) check(loaded_.claim() == claimed, "the loaded one claims what the first does");
    if (!claimed) return;
    told_.claim_exactly(*claimed);
    running_.push_back(claimed->transition);
  }

  Outputs outputs_of(std::size_t transition) {
    Outputs outputs;
    for (const auto& arc : spec_.outputs) {
      const bool resource = !spec_.resources.empty() && spec_.resources.front().first == arc.place;
      if (static_cast<std::size_t>(arc.transition) != transition || resource) continue;
      const bool list = std::ranges::count(spec_.scatters, std::pair{arc.transition, arc.place}) > 0;
      if (list) outputs.opened.push_back(static_cast<std::int32_t>(arc.place));
      for (std::size_t n = bytes_.below(3); n > 0; --n) add(outputs, arc.place, list);
    }
    return outputs;
  }

  void end() {
    const std::size_t position = bytes_.below(running_.size());
    const Outputs outputs = outputs_of(running_[position]);
    const std::size_t way = bytes_.below(5);
    const std::pair<std::uint32_t, std::uint64_t> bar{static_cast<std::uint32_t>(bytes_.below(kPlaces)),
                                                      1 + bytes_.below(3)};
    const bool done = on_all([&](Player& player) {
      const Id id = player.firing(position);
      if (way == 0) return player.record(player.fleet().emit(id, outputs.emission()));
      if (way == 1) {
        player.fleet().release(id);
      } else if (way == 2) {
        player.fleet().refuse(id, {&bar, 1});
      } else {
        player.record(player.fleet().complete(id, outputs.emission()));
      }
      player.ended(position);
    });
    if (done && way != 0) running_.erase(running_.begin() + static_cast<std::ptrdiff_t>(position));
  }

  void tamper() {
    Data data = first_.save();
    data.resize(data.size() - 8);
    for (std::size_t n = 1 + bytes_.below(4); n > 0 && !data.empty(); --n) {
      const auto at = static_cast<std::ptrdiff_t>((bytes_.below(256) * 256 + bytes_.below(256)) % data.size());
      const auto value = static_cast<std::byte>(bytes_.byte());
      const std::size_t way = bytes_.below(4);
      if (way == 0) {
        data.erase(data.begin() + at);
      } else if (way == 1) {
        data.insert(data.begin() + at, value);
      } else {
        data[static_cast<std::size_t>(at)] = way == 2 ? value : data[static_cast<std::size_t>(at)] ^ value;
      }
    }
    const std::uint64_t sum = fleet::checksum(data);
    for (int shift = 0; shift < 64; shift += 8) data.push_back(static_cast<std::byte>(sum >> shift));
    Fleet fleet(spec_);
    LoadedSession loaded;
    if (refused([&] { loaded = fleet.load(data); })) {
      check(fleet.sessions() == 0, "what is refused leaves no session");
      return;
    }
    const SavedSession again = fleet.save(loaded.session);
    check(again.tokens == loaded.tokens && again.firings == loaded.firings, "ids come in the order of the bytes");
    Fleet other(spec_);
    check(other.save(other.load(again.data).session).data == again.data, "it is saved as it was loaded");
    misuse(fleet, loaded);
    close(fleet, loaded.session);
  }

  // Whatever it was made of, it can be played with.
  void misuse(Fleet& fleet, const LoadedSession& loaded) {
    std::vector<Id> firings = loaded.firings;
    for (const Id firing : firings) {
      const Outputs outputs = outputs_of(bytes_.below(kTransitions));
      const std::size_t way = bytes_.below(4);
      const std::pair<std::uint32_t, std::uint64_t> bar{static_cast<std::uint32_t>(bytes_.below(kPlaces)), 1};
      refused([&] {
        if (way == 0) fleet.release(firing);
        if (way == 1) fleet.refuse(firing, {&bar, 1});
        if (way == 2) fleet.emit(firing, outputs.emission());
        if (way == 3) fleet.complete(firing, outputs.emission());
      });
      for (const Id claimed : fleet.claim(2).firings) refused([&] { fleet.complete(claimed, outputs.emission()); });
    }
    for (const Id token : loaded.tokens)
      if (bytes_.once_in(4)) refused([&] { fleet.drop(loaded.session, token); });
    fleet.waiting(loaded.session);
    fleet.claim(16);
  }

  Bytes& bytes_;
  const FleetSpec& spec_;
  Player first_, told_, loaded_;
  bool follows_ = false;              // loaded_ has been loaded
  std::vector<std::size_t> running_;  // the transitions of running firings
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Bytes bytes(data, size);
  const FleetSpec spec = draw_spec(bytes);
  std::optional<Game> game;
  try {
    game.emplace(bytes, spec);
  } catch (const std::invalid_argument&) {  // a spec that no Fleet is made of
    return 0;
  }
  game->play();
  return 0;
}
