#include "fleet_image.hpp"

#include <algorithm>
#include <string>

#include "fleet_bytes.hpp"

namespace petricore::fleet {
namespace {

using Positions = std::vector<std::uint32_t>;

std::string text(std::size_t value) { return std::to_string(value); }

void want(bool holds, const char* why) {
  if (!holds) ByteReader::bad(why);
}
// `why` is made when it is needed: there are checks for every token.
template <class Why>
void want(bool holds, const Why& why) {
  if (!holds) ByteReader::bad(why());
}

// Checks an image against its net, and its parts against each other.
class Check {
 public:
  Check(Image& image, const FleetNet& net) : image_(image), net_(net) {}

  void all() {
    for (std::size_t g = 0; g < image_.groups.size(); ++g) group(g);
    for (std::size_t f = 0; f < image_.firings.size(); ++f) firing(f);
    for (std::size_t g = 0; g < image_.groups.size(); ++g)
      want(image_.groups[g].runner == 0 || image_.firings[image_.groups[g].runner - 1].opened == g + 1,
           [&] { return "group " + text(g) + " was opened by a firing that does not know it"; });
    want(std::all_of(closers_.begin(), closers_.end(), [](const auto& row) { return row.empty(); }),
         "a gathering fires without a firing");
    for (std::size_t c = 0; c < net_.capacity.size(); ++c) capacity(c);
    lines();
  }

 private:
  void group(std::size_t g) {
    const auto& gatherings = image_.groups[g].gatherings;
    want(!gatherings.empty(), [&] { return "group " + text(g) + " is open, and nothing gathers it"; });
    Positions queues, firing;
    for (const auto& gathering : gatherings) {
      want(net_.queues[gathering.queue].kind == QueueKind::kGather,
           [&] { return "queue " + text(gathering.queue) + " gathers nothing"; });
      queues.push_back(gathering.queue);
      if (gathering.firing) firing.push_back(gathering.queue);
    }
    std::sort(queues.begin(), queues.end());
    want(std::adjacent_find(queues.begin(), queues.end()) == queues.end(),
         [&] { return "group " + text(g) + " gathers twice"; });
    closers_.push_back(std::move(firing));
  }

  void firing(std::size_t f) {
    const auto& firing = image_.firings[f];
    const auto name = [&] { return "firing " + text(f) + " of transition " + text(firing.transition); };
    const auto gathers = net_.gathers[firing.transition];
    want(gathers.empty() == (firing.closing == 0),
         [&] { return name() + " closes a group without gathering, or the reverse"; });
    for (const auto& arc : gathers) {
      auto& open = closers_[firing.closing - 1];
      const auto at = std::find(open.begin(), open.end(), arc.queue);
      want(at != open.end(), [&] { return name() + " closes no gathering of its own"; });
      open.erase(at);
    }
    if (firing.opened != 0) {
      const auto& group = image_.groups[firing.opened - 1];
      const auto outputs = net_.outputs[firing.transition];
      want(group.runner == f + 1 && group.parents == firing.groups &&
               std::any_of(outputs.begin(), outputs.end(), [](const OutputArc& arc) { return arc.scatter; }),
           [&] { return name() + " did not open group " + text(firing.opened - 1); });
    }
    holdings(firing, name);
    reservations(firing, name);
  }

  // It holds what its arcs take, in their order.
  template <class Name>
  void holdings(const SavedFiring& firing, const Name& name) {
    auto next = firing.held.begin();
    for (const auto& arc : net_.inputs[firing.transition]) {
      if (arc.mode == ArcMode::kRead) continue;
      Count taken = 0;
      for (; next != firing.held.end() && (arc.mode != ArcMode::kTake || taken < arc.weight); ++next, ++taken) {
        auto& token = image_.tokens[*next];
        if (token.place != arc.place) break;
        want(!token.held, [&] { return "token " + text(*next) + " is held twice"; });
        want(net_.queues[arc.queue].admits(token.guards),
             [&] { return name() + " holds a token that its guard does not admit"; });
        want(arc.mode != ArcMode::kGather || (!token.groups.empty() && token.groups.back() + 1 == firing.closing),
             [&] { return name() + " holds a token of another group than it closes"; });
        token.held = true;
      }
      want(taken >= arc.weight, [&] {
        return name() + " holds " + text(static_cast<std::size_t>(taken)) + " tokens of place " + text(arc.place) +
               ", not " + text(static_cast<std::size_t>(arc.weight));
      });
    }
    want(next == firing.held.end(), [&] { return name() + " holds a token that it does not take"; });
  }

  // It keeps seats where it took tokens from a bounded place, or may put some there, and nowhere else.
  template <class Name>
  void reservations(const SavedFiring& firing, const Name& name) {
    std::vector<Reservation> expected;
    const auto of = [](auto& kept, std::uint32_t capacity) {
      return std::find_if(kept.begin(), kept.end(), [&](const Reservation& r) { return r.capacity == capacity; });
    };
    const auto expect = [&](std::uint32_t capacity, Count taken, Count room) {
      if (capacity == kNone) return;
      if (of(expected, capacity) == expected.end()) expected.push_back({capacity, 0, 0});
      of(expected, capacity)->taken += taken;
      of(expected, capacity)->room += room;
    };
    if (net_.capacity.empty()) return;
    for (const auto token : firing.held) expect(net_.capacity_index[image_.tokens[token].place], 1, 0);
    for (const auto& arc : net_.outputs[firing.transition]) expect(arc.capacity_index, 0, arc.weight);
    want(firing.reservations.size() == expected.size(), [&] {
      return name() + " keeps seats in " + text(firing.reservations.size()) + " places, not " + text(expected.size());
    });
    for (const auto& needed : expected) {
      const auto kept = of(firing.reservations, needed.capacity);
      want(kept != firing.reservations.end() && kept->taken == needed.taken && kept->room <= needed.room, [&] {
        return name() + " keeps other seats than it needs in place " + text(net_.capacity_place[needed.capacity]);
      });
    }
  }

  void capacity(std::size_t c) {
    const auto place = net_.capacity_place[c];
    auto occupied = static_cast<std::int64_t>(
        std::count_if(image_.tokens.begin(), image_.tokens.end(),
                      [&](const SavedToken& token) { return token.place == place && !token.held; }));
    for (const auto& firing : image_.firings)
      for (const auto& kept : firing.reservations)
        if (kept.capacity == c) occupied += kept.seats();
    want(occupied <= net_.capacity[c], [&] {
      return "place " + text(place) + " holds more than its capacity " +
             text(static_cast<std::size_t>(net_.capacity[c]));
    });
  }

  void lines() {
    for (const auto& [transition, line] : image_.key_lines) {
      const auto* arc = keyed_arc(net_, transition);
      want(arc != nullptr, [t = transition] { return "transition " + text(t) + " has no keys"; });
      for (const auto token : line)
        want(image_.tokens[token].place == arc->place && !image_.tokens[token].held,
             [=, t = transition] { return "token " + text(token) + " has no key of transition " + text(t); });
    }
    for (const auto& [transition, line] : image_.group_lines)
      want(!net_.gathers[transition].empty(),
           [t = transition] { return "transition " + text(t) + " gathers nothing"; });
  }

  Image& image_;
  const FleetNet& net_;
  std::vector<Positions> closers_;  // by group: queues whose gatherings fire, and whose firing was not met yet
};

// Ascending, so that no name stands there twice.
Positions read_scope(ByteReader& in, std::size_t groups) {
  auto scope = in.get_list(groups, "group");
  want(std::adjacent_find(scope.begin(), scope.end(), std::greater_equal<>()) == scope.end(),
       "the groups of a scope are out of order");
  return scope;
}

void read_groups(ByteReader& in, Image& image, const FleetNet& net) {
  for (std::size_t g = 0; g < image.groups.size(); ++g) {
    auto& group = image.groups[g];
    group.parents = read_scope(in, g);
    group.runner = in.get(image.firings.size() + 1, "running firing");
    group.gatherings.resize(in.get_count());
    for (auto& gathering : group.gatherings) {
      gathering.queue = in.get(net.queues.size(), "queue");
      gathering.firing = in.get(2, "flag") != 0;
      gathering.served = in.get(2, "flag") != 0;
    }
  }
}

void read_tokens(ByteReader& in, Image& image, const FleetNet& net) {
  for (auto& token : image.tokens) {
    token.place = in.get(net.places, "place");
    want(net.resource_index[token.place] == kNone, [&] { return "place " + text(token.place) + " is a resource"; });
    token.guards = in.get();
    want(net.has_guards || token.guards == 0, "a token has guard bits, and the net has no guards");
    token.keys.reserve(net.key_slots);
    for (std::size_t slot = 0; slot < net.key_slots; ++slot) token.keys.push_back(in.get_signed());
    token.groups = read_scope(in, image.groups.size());
  }
}

void read_firings(ByteReader& in, Image& image, const FleetNet& net) {
  for (auto& firing : image.firings) {
    firing.transition = in.get(net.transitions, "transition");
    firing.groups = read_scope(in, image.groups.size());
    firing.opened = in.get(image.groups.size() + 1, "group");
    firing.closing = in.get(image.groups.size() + 1, "group");
    firing.held = in.get_list(image.tokens.size(), "token");
    firing.reservations.resize(in.get_count());
    for (auto& kept : firing.reservations) {
      kept.capacity = in.get(net.capacity.size(), "capacity");
      kept.taken = static_cast<Count>(in.get(1u << 31, "count"));
      kept.room = static_cast<Count>(in.get(1u << 31, "count"));
    }
  }
}

// No name twice, in no order.
Positions read_order(ByteReader& in, std::size_t limit, const char* what) {
  auto order = in.get_list(limit, what);
  auto sorted = order;
  std::sort(sorted.begin(), sorted.end());
  want(std::adjacent_find(sorted.begin(), sorted.end()) == sorted.end(),
       [&] { return std::string("an order names a ") + what + " twice"; });
  return order;
}

SavedLines read_lines(ByteReader& in, std::size_t transitions, std::size_t limit, const char* what) {
  SavedLines lines(in.get_count());
  for (std::size_t i = 0; i < lines.size(); ++i) {
    lines[i].first = in.get(transitions, "transition");
    want(i == 0 || lines[i - 1].first < lines[i].first, "its transitions are out of order");
    lines[i].second = read_order(in, limit, what);
  }
  return lines;
}

}  // namespace

std::uint64_t fingerprint(const FleetNet& net) {
  ByteWriter all;
  const auto count = [](Count value) { return static_cast<std::uint64_t>(value); };
  all.put(net.places);
  all.put(net.transitions);
  all.put(net.key_slots);
  all.put(net.queues.size());
  for (std::size_t q = 0; q < net.queues.size(); ++q) {
    const auto& queue = net.queues[q];
    all.put(queue.place);
    all.put_signed(queue.guard);
    all.put_signed(queue.key_slot);
    all.put(static_cast<std::uint64_t>(queue.kind));
    all.put(net.watchers[q].size());
    for (const auto& watcher : net.watchers[q]) {
      all.put(watcher.transition);
      all.put(count(watcher.threshold));
      all.put(watcher.inhibitor ? 1 : 0);
    }
  }
  for (std::size_t t = 0; t < net.transitions; ++t) {
    all.put(net.inputs[t].size());
    for (const auto& arc : net.inputs[t]) {
      all.put(arc.queue);
      all.put(static_cast<std::uint64_t>(arc.mode));
      all.put(count(arc.weight));
    }
    all.put(net.priority_line[t]);
    all.put(net.outputs[t].size());
    for (const auto& arc : net.outputs[t]) {
      all.put(arc.place);
      all.put(count(arc.weight) * 2 + (arc.scatter ? 1 : 0));
    }
    for (const auto* amounts : {&net.needs, &net.returns}) {
      all.put((*amounts)[t].size());
      for (const auto& amount : (*amounts)[t]) {
        all.put(net.resource_place[amount.resource]);
        all.put(count(amount.tokens));
      }
    }
  }
  all.put_list(net.resource_place);
  all.put(net.capacity.size());
  for (std::size_t c = 0; c < net.capacity.size(); ++c) {
    all.put(net.capacity_place[c]);
    all.put(count(net.capacity[c]));
  }
  return checksum(std::move(all).finish());
}

Image read_image(std::span<const std::byte> data, std::uint64_t fingerprint, const FleetNet& net) {
  ByteReader in(data);
  const auto version = in.get();
  want(version == kImageVersion,
       [&] { return "it is of version " + std::to_string(version) + ", not " + std::to_string(kImageVersion); });
  want(in.get() == fingerprint, "it is of another net");
  Image image;
  image.groups.resize(in.get_count());
  image.tokens.resize(in.get_count());
  image.firings.resize(in.get_count());
  read_groups(in, image, net);
  read_tokens(in, image, net);
  read_firings(in, image, net);
  image.key_lines = read_lines(in, net.transitions, image.tokens.size(), "token");
  image.group_lines = read_lines(in, net.transitions, image.groups.size(), "group");
  image.enabled = read_order(in, net.transitions, "transition");
  want(in.done(), "there are bytes behind its end");
  Check(image, net).all();
  return image;
}

}  // namespace petricore::fleet
