// A firing's life: claimed, then completed, failed or released.
#include <algorithm>

#include "fleet_state.hpp"

namespace petricore {
using namespace fleet;

// ---- claiming

// Takes what the transition needs of resources, or lines up for the first that it cannot have.
bool Fleet::State::take_resources(const Pair& pair) {
  const auto needs = net.needs[pair.transition];
  if (needs.empty()) return true;
  auto& waits = block(pair.session).waits[pair.transition];
  const auto turn = waits == 0 || needs.size() == 1 ? kNoTurn : ready.turn(waits - 1u, pair);
  for (const auto& need : needs) {
    if (free_resources[need.resource] >= need.tokens && !ready.behind(need.resource, pair, turn)) continue;
    if (waits == need.resource + 1) return false;
    if (turn != kNoTurn) ready.requeue(waits - 1u, pair);  // it takes its turn along
    if (waits != 0) ready.leave(waits - 1u, pair);
    waits = static_cast<std::uint16_t>(need.resource + 1);
    ready.wait(need.resource, pair, turn);
    return false;
  }
  for (const auto& need : needs) {
    free_resources[need.resource] -= need.tokens;
    ready.requeue(need.resource, pair);
  }
  if (waits != 0) ready.leave(waits - 1u, pair);
  waits = 0;
  return true;
}

Claims Fleet::State::claim(std::int64_t limit) {
  if (limit < 0) throw std::invalid_argument("limit: " + std::to_string(limit) + " is negative");
  Claims claims;
  Pair pair;
  while (static_cast<std::int64_t>(claims.firings.size()) < limit && ready.pop(pair)) {
    const auto& record = sessions[pair.session];
    if (!record.block || block(pair.session).ages[pair.transition] != pair.age) continue;  // stale
    if (!take_resources(pair)) continue;
    ready.served(pair);
    hand_out(pair, claims);
  }
  return claims;
}

// A firing of the transition that holds nothing yet.
std::uint32_t Fleet::State::begin_firing(std::uint32_t session, std::uint32_t transition) {
  auto slot = free_firing_;
  if (slot != kNil) {
    free_firing_ = firings[slot].next;
  } else {
    if (firings.size() >= kNone) throw std::length_error("more than 2^32 firings");
    slot = static_cast<std::uint32_t>(firings.size());
    firings.emplace_back();
  }
  auto& firing = firings[slot];
  auto& head = sessions[session].first_firing;
  firing.session = session;
  firing.transition = transition;
  firing.alive = true;
  firing.prev = kNil;
  firing.next = head;
  if (head != kNil) firings[head].prev = slot;
  head = slot;
  return slot;
}

void Fleet::State::hand_out(const Pair& pair, Claims& claims) {
  const auto slot = begin_firing(pair.session, pair.transition);
  auto& firing = firings[slot];
  retire(pair.session, pair.transition);
  dirty_.push_back(pair.transition);
  choose_tokens(firing, claims);
  hold_tokens(slot);
  claims.firings.push_back(firing_id(slot));
  claims.sessions.push_back(session_id(pair.session));
  claims.transitions.push_back(static_cast<std::int32_t>(pair.transition));
  claims.groups.push_back(firing.closing == kNil ? -1 : groups.id(firing.closing));
  settle(pair.session);
}

// Lists the tokens of each arc, and in consumed_ those that the firing will hold. All arcs see the queues as they
// are before the claim; TAKE arcs that share a queue take one after the other.
void Fleet::State::choose_tokens(Firing& firing, Claims& claims) {
  const auto slot = firing.session, transition = firing.transition;
  const auto arcs = net.inputs[transition];
  const auto key = net.keyed_watchers[transition] != 0 ? next_key(slot, transition) : 0;
  if (!net.gathers[transition].empty()) firing.closing = groups.next_to_close(slot, transition);
  consumed_.clear();
  for (std::size_t j = 0; j < arcs.size(); ++j) {
    const auto& arc = arcs[j];
    if (arc.mode == ArcMode::kGather) {
      for (const auto token : groups.members(firing.closing, arc.queue)) {
        claims.tokens.push_back(tokens.id(token));
        consumed_.push_back(token);
      }
    } else {
      const auto& queue = net.queues[arc.queue];
      const auto& list = queue.kind == QueueKind::kPlain ? block(slot).lists[queue.slot]
                                                         : sessions[slot].keys->lists.at({arc.queue, key});
      auto node = list.head;
      if (arc.mode == ArcMode::kTake)
        for (std::size_t i = 0; i < j; ++i)
          if (arcs[i].mode == ArcMode::kTake && arcs[i].queue == arc.queue)
            for (Count skipped = 0; skipped < arcs[i].weight; ++skipped) node = tokens.node(node).next;
      auto wanted = arc.mode == ArcMode::kDrain ? list.count : static_cast<std::uint32_t>(arc.weight);
      for (; wanted > 0; --wanted, node = tokens.node(node).next) {
        const auto token = tokens.node(node).token;
        claims.tokens.push_back(tokens.id(token));
        if (arc.mode != ArcMode::kRead) consumed_.push_back(token);
      }
    }
    claims.offsets.push_back(static_cast<std::int64_t>(claims.tokens.size()));
  }
  claims.arcs.push_back(static_cast<std::int64_t>(claims.offsets.size()) - 1);
  if (net.keyed_watchers[transition] != 0) requeue_key(slot, transition, key);
}

void Fleet::State::hold_tokens(std::uint32_t slot) {
  auto& firing = firings[slot];
  if (net.has_gathers) firing.scope = groups.output_scope(consumed_, firing.closing);
  std::uint32_t last = kNil;
  for (const auto token : consumed_) {
    leave(token);
    groups.set_owner(token, slot);
    tokens[token].next_held = kNil;
    (last == kNil ? firing.first_held : tokens[last].next_held) = token;
    last = token;
  }
  if (firing.closing != kNil) groups.claimed(firing.closing, firing.transition);
  if (net.capacity.empty()) return;

  const auto reservation = [&](std::uint32_t capacity) -> Reservation& {
    for (auto& known : firing.reservations)
      if (known.capacity == capacity) return known;
    return firing.reservations.emplace_back(Reservation{capacity, 0, 0});
  };
  for (const auto token : consumed_)
    if (const auto c = net.capacity_index[tokens[token].place]; c != kNone) ++reservation(c).taken;
  for (const auto& out : net.outputs[firing.transition])
    if (out.capacity_index != kNone) reservation(out.capacity_index).room = out.weight;
  for (const auto& kept : firing.reservations) occupy(firing.session, kept.capacity, kept.seats() - kept.taken);
}

// ---- ending

std::vector<std::uint32_t> Fleet::State::held(const Firing& firing) const {
  std::vector<std::uint32_t> all;
  for (auto token = firing.first_held; token != kNil; token = tokens[token].next_held) all.push_back(token);
  return all;
}

void Fleet::State::check_outputs(const Firing& firing, const Emission& emission, bool ends) const {
  const auto outputs = net.outputs[firing.transition];
  const auto arc_to = [&](std::int32_t p) -> const OutputArc& {
    for (const auto& arc : outputs)
      if (arc.place == static_cast<std::uint32_t>(p)) return arc;
    throw std::invalid_argument("transition " + std::to_string(firing.transition) + " does not put into place " +
                                std::to_string(p));
  };
  std::vector<std::pair<std::uint32_t, Count>> arriving;
  for (std::size_t i = 0; i < emission.places.size(); ++i) {
    const auto& arc = arc_to(emission.places[i]);
    const bool member = !emission.members.empty() && emission.members[i] != 0;
    if (member != arc.scatter)
      throw std::invalid_argument(
          "place " + std::to_string(arc.place) + ": transition " + std::to_string(firing.transition) +
          (member ? " puts single tokens there, not a list" : " puts a list there, not single tokens"));
    if (arc.capacity_index == kNone) continue;
    const auto same =
        std::find_if(arriving.begin(), arriving.end(), [&](auto& a) { return a.first == arc.capacity_index; });
    if (same == arriving.end())
      arriving.emplace_back(arc.capacity_index, 1);
    else
      ++same->second;
  }
  for (const auto p : emission.opened)
    if (!arc_to(p).scatter)
      throw std::invalid_argument("place " + std::to_string(p) + ": transition " + std::to_string(firing.transition) +
                                  " puts single tokens there, not a list");
  for (const auto& [capacity, n] : arriving) {
    Count change = n;
    for (auto kept : firing.reservations) {
      if (kept.capacity != capacity) continue;
      change -= kept.seats();
      kept.room = std::max(kept.room - n, 0);
      if (!ends) change += kept.seats();
    }
    const auto occupied = block(firing.session).occupied[capacity];
    if (occupied + change > net.capacity[capacity])
      throw std::invalid_argument("place " + std::to_string(net.capacity_place[capacity]) + " would hold " +
                                  std::to_string(occupied + change) + " tokens, above its capacity " +
                                  std::to_string(net.capacity[capacity]));
  }
}

std::vector<std::int64_t> Fleet::State::put_outputs(std::uint32_t slot, const Emission& emission) {
  auto& firing = firings[slot];
  const auto opened_to = [&](std::int32_t p) {
    groups.open(firing.opened, firing.session, slot, firing.scope, static_cast<std::uint32_t>(p));
  };
  if (net.has_gathers) {
    for (const auto p : emission.opened) opened_to(p);
    for (std::size_t i = 0; i < emission.members.size(); ++i)
      if (emission.members[i] != 0 && (i == 0 || emission.places[i] != emission.places[i - 1]))
        opened_to(emission.places[i]);
  }
  const auto list_scope = firing.opened == kNil ? firing.scope : groups.member_scope(firing.opened);
  std::vector<std::int64_t> ids;
  ids.reserve(emission.places.size());
  for (std::size_t i = 0; i < emission.places.size(); ++i) {
    const bool member = !emission.members.empty() && emission.members[i] != 0;
    ids.push_back(add_token(firing.session, member ? list_scope : firing.scope, emission, i));
    const auto c = net.capacity_index[static_cast<std::size_t>(emission.places[i])];
    if (c == kNone) continue;
    Count change = 1;
    for (auto& kept : firing.reservations) {
      if (kept.capacity != c) continue;
      change -= kept.seats();
      kept.room = std::max(kept.room - 1, 0);
      change += kept.seats();
    }
    occupy(firing.session, c, change);
  }
  return ids;
}

void Fleet::State::give_back_resources(std::uint32_t transition) {
  for (const auto& amount : net.returns[transition]) {
    free_resources[amount.resource] += amount.tokens;
    ready.wake(amount.resource);
  }
}

void Fleet::State::free_firing(std::uint32_t slot) {
  auto& firing = firings[slot];
  if (firing.opened != kNil) groups.firing_ended(firing.opened);
  groups.unref(firing.scope);
  if (firing.next != kNil) firings[firing.next].prev = firing.prev;
  (firing.prev == kNil ? sessions[firing.session].first_firing : firings[firing.prev].next) = firing.next;
  const auto generation = firing.generation;
  firing = {};
  firing.generation = generation;
  if (generation == kLastGeneration) return;
  ++firing.generation;
  firing.next = free_firing_;
  free_firing_ = slot;
}

std::vector<std::int64_t> Fleet::State::emit(std::int64_t id, const Emission& emission) {
  const auto slot = firing(id);
  check_emission(emission);
  check_outputs(firings[slot], emission, false);
  auto ids = put_outputs(slot, emission);
  settle(firings[slot].session);
  return ids;
}

std::vector<std::int64_t> Fleet::State::end(std::int64_t id, const Emission& emission) {
  const auto slot = firing(id);
  check_emission(emission);
  check_outputs(firings[slot], emission, true);
  const auto session = firings[slot].session, transition = firings[slot].transition;
  const auto consumed = held(firings[slot]);
  if (firings[slot].closing != kNil) groups.fired(firings[slot].closing, transition, consumed);
  for (const auto token : consumed) {
    groups.gone(token);
    tokens.destroy(token);
  }
  for (auto& kept : firings[slot].reservations) {
    const auto before = kept.seats();
    kept.taken = 0;
    occupy(session, kept.capacity, kept.seats() - before);
  }
  auto ids = put_outputs(slot, emission);
  for (const auto& kept : firings[slot].reservations) occupy(session, kept.capacity, -kept.seats());
  give_back_resources(transition);
  free_firing(slot);
  settle(session);
  return ids;
}

void Fleet::State::release(std::int64_t id) {
  const auto slot = firing(id);
  give_back(slot);
  if (firings[slot].closing != kNil) groups.released(firings[slot].closing, firings[slot].transition);
  unclaim(slot);
}

void Fleet::State::refuse(std::int64_t id, std::span<const std::pair<std::uint32_t, std::uint64_t>> bars) {
  const auto slot = firing(id);
  for (const auto& [place, bits] : bars)
    if (place >= net.places) throw std::invalid_argument("bars: place " + std::to_string(place) + " does not exist");
  if (firings[slot].closing != kNil) groups.fired(firings[slot].closing, firings[slot].transition, {});
  for (const auto token : held(firings[slot]))
    for (const auto& [place, bits] : bars)
      if (tokens[token].place == place) groups.set_guards(token, tokens.guards(token) & ~bits);
  give_back(slot);
  unclaim(slot);
}

// The held tokens to their places, at their old positions.
void Fleet::State::give_back(std::uint32_t slot) {
  for (const auto token : held(firings[slot])) {
    groups.set_owner(token, kNil);
    enter(token, false);
  }
  for (const auto& kept : firings[slot].reservations)
    occupy(firings[slot].session, kept.capacity, kept.taken - kept.seats());
}

void Fleet::State::unclaim(std::uint32_t slot) {
  const auto session = firings[slot].session;
  give_back_resources(firings[slot].transition);
  free_firing(slot);
  settle(session);
}

}  // namespace petricore
