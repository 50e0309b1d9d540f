// Upkeep: tokens enter and leave queues, queues tell transitions, transitions enter and leave the ready lines.
#include "fleet_state.hpp"

#include <algorithm>
#include <cstring>

#include "fleet_image.hpp"

namespace petricore {
using namespace fleet;

Fleet::State::State(const FleetSpec& spec)
    : net(spec),
      tokens(net),
      groups(net, tokens),
      ready(net.priority_lines, net.resource_place.size()),
      firings(1),
      free_resources(net.resource_initial),
      net_fingerprint_(fingerprint(net)) {}

// ---- ids

std::uint32_t Fleet::State::session(std::int64_t id) const {
  const auto slot = slot_of(id);
  if (id < 0 || slot >= sessions.size() || !sessions[slot].open || sessions[slot].generation != generation_of(id))
    throw UnknownId("session " + std::to_string(id) + " is not open");
  return slot;
}

std::uint32_t Fleet::State::firing(std::int64_t id) const {
  const auto slot = slot_of(id);
  if (id < 0 || slot == kNil || slot >= firings.size() || !firings[slot].alive ||
      firings[slot].generation != generation_of(id))
    throw UnknownId("firing " + std::to_string(id) + " is unknown or ended already");
  return slot;
}

std::uint32_t Fleet::State::place(std::int64_t value) const {
  if (value < 0 || static_cast<std::uint64_t>(value) >= net.places)
    throw std::invalid_argument("place " + std::to_string(value) + " is not in 0.." +
                                std::to_string(static_cast<std::int64_t>(net.places) - 1));
  return static_cast<std::uint32_t>(value);
}

// ---- sessions

std::size_t Fleet::State::block_bytes() const noexcept {
  const auto waits = net.resource_place.empty() ? 0 : net.transitions;
  return net.transitions * sizeof(std::uint64_t) + net.plain_queues * sizeof(List) +
         net.capacity.size() * sizeof(Count) + (net.transitions + waits) * sizeof(std::uint16_t);
}

Block Fleet::State::block(std::uint32_t slot) const noexcept {
  auto* at = sessions[slot].block.get();
  Block view{};
  view.ages = reinterpret_cast<std::uint64_t*>(at);
  at += net.transitions * sizeof(std::uint64_t);
  view.lists = reinterpret_cast<List*>(at);
  at += net.plain_queues * sizeof(List);
  view.occupied = reinterpret_cast<Count*>(at);
  at += net.capacity.size() * sizeof(Count);
  view.unsatisfied = reinterpret_cast<std::uint16_t*>(at);
  at += net.transitions * sizeof(std::uint16_t);
  view.waits = reinterpret_cast<std::uint16_t*>(at);
  return view;
}

void Fleet::State::make_block(std::uint32_t slot) {
  sessions[slot].block = std::make_unique<std::byte[]>(block_bytes());
  if (net.transitions != 0)
    std::memcpy(block(slot).unsatisfied, net.unsatisfied.data(), net.transitions * sizeof(std::uint16_t));
}

std::vector<std::int64_t> Fleet::State::open(std::int64_t n, std::int64_t account) {
  if (n < 0) throw std::invalid_argument("cannot open " + std::to_string(n) + " sessions");
  if (account < 0 || account > kMaxAccount)
    throw std::invalid_argument("account: " + std::to_string(account) + " is not in 0.." + std::to_string(kMaxAccount));
  ready.admit(static_cast<std::uint32_t>(account));
  std::vector<std::int64_t> ids;
  ids.reserve(static_cast<std::size_t>(n));
  for (std::int64_t i = 0; i < n; ++i) {
    auto slot = free_session_;
    if (slot != kNone) {
      free_session_ = sessions[slot].next_free;
    } else {
      if (sessions.size() >= kNone) throw std::length_error("more than 2^32 - 1 sessions are open");
      slot = static_cast<std::uint32_t>(sessions.size());
      sessions.emplace_back();
    }
    sessions[slot].open = true;
    sessions[slot].account = static_cast<std::uint32_t>(account);
    ids.push_back(session_id(slot));
  }
  open_sessions += ids.size();
  return ids;
}

void Fleet::State::close(std::int64_t id) {
  const auto slot = session(id);
  if (sessions[slot].block) {
    const auto remove = [&](std::uint32_t token) {
      groups.gone(token);
      tokens.destroy(token);
    };
    for (auto f = sessions[slot].first_firing; f != kNil;) {
      const auto next = firings[f].next;
      for (const auto token : held(firings[f])) remove(token);
      give_back_resources(firings[f].transition);
      free_firing(f);
      f = next;
    }
    const auto view = block(slot);
    for (std::size_t p = 0; p < net.places; ++p)
      for (auto node = view.lists[p].head; node != kNil;) {
        const auto next = tokens.node(node).next;
        remove(tokens.node(node).token);
        node = next;
      }
    groups.forget(slot);
    for (std::uint32_t t = 0; t < net.transitions; ++t)
      if (view.ages[t] != 0) retire(slot, t);
  }
  auto& record = sessions[slot];
  record.block.reset();
  record.keys.reset();
  record.open = false;
  --open_sessions;
  if (record.generation == kLastGeneration) return;
  ++record.generation;
  record.next_free = free_session_;
  free_session_ = slot;
}

// ---- queues

void Fleet::State::satisfy(std::uint32_t session, std::uint32_t transition, bool met) {
  auto& unsatisfied = block(session).unsatisfied[transition];
  unsatisfied = static_cast<std::uint16_t>(met ? unsatisfied - 1 : unsatisfied + 1);
  if (dirty_.empty() || dirty_.back() != transition) dirty_.push_back(transition);
}

// `count` is the queue's count after the change, by one.
void Fleet::State::count_up(std::uint32_t session, std::uint32_t queue, Count count) {
  for (const auto& watcher : net.watchers[queue])
    if (count == watcher.threshold) satisfy(session, watcher.transition, !watcher.inhibitor);
}

void Fleet::State::count_down(std::uint32_t session, std::uint32_t queue, Count count) {
  for (const auto& watcher : net.watchers[queue])
    if (count + 1 == watcher.threshold) satisfy(session, watcher.transition, watcher.inhibitor);
}

void Fleet::State::set_key(std::uint32_t session, std::uint32_t transition, std::int64_t key, KeyState& state,
                           bool complete) {
  auto& line = sessions[session].keys->lines[transition];
  if (complete) {
    state.since = ++key_clock_;
    line.turns.push_back({key, state.since});
    if (line.count++ == 0) satisfy(session, transition, true);
  } else {
    state.since = 0;
    if (--line.count == 0) {
      line.turns.clear();
      satisfy(session, transition, false);
    }
  }
}

void Fleet::State::key_up(std::uint32_t session, std::uint32_t queue, std::int64_t key, Count count) {
  for (const auto& watcher : net.watchers[queue]) {
    if (count != watcher.threshold) continue;
    auto& state = sessions[session].keys->states[{watcher.transition, key}];
    if (++state.met == net.keyed_watchers[watcher.transition]) set_key(session, watcher.transition, key, state, true);
  }
}

void Fleet::State::key_down(std::uint32_t session, std::uint32_t queue, std::int64_t key, Count count) {
  for (const auto& watcher : net.watchers[queue]) {
    if (count + 1 != watcher.threshold) continue;
    auto& states = sessions[session].keys->states;
    const auto it = states.find({watcher.transition, key});
    if (it->second.since != 0) set_key(session, watcher.transition, key, it->second, false);
    if (--it->second.met == 0) states.erase(it);
  }
}

std::int64_t Fleet::State::next_key(std::uint32_t session, std::uint32_t transition) {
  auto& index = *sessions[session].keys;
  auto& turns = index.lines[transition].turns;
  for (;; turns.pop_front()) {  // not empty: the transition is enabled
    const auto it = index.states.find({transition, turns.front().key});
    if (it != index.states.end() && it->second.since == turns.front().since) return turns.front().key;
  }
}

// A key that was served stands behind the other complete ones, if it still is one.
void Fleet::State::requeue_key(std::uint32_t session, std::uint32_t transition, std::int64_t key) {
  auto& index = *sessions[session].keys;
  auto& state = index.states.at({transition, key});
  state.since = ++key_clock_;
  index.lines[transition].turns.push_back({key, state.since});
}

void Fleet::State::enter(std::uint32_t token, bool newest) {
  const auto slot = tokens[token].session;
  const auto view = block(slot);
  for (auto node = tokens[token].first_node; node != kNil; node = tokens.node(node).sibling) {
    const auto queue = tokens.node(node).queue;
    const auto& kind = net.queues[queue];
    if (kind.kind == QueueKind::kGather) continue;  // the group store's
    const auto link = [&](List& list) {
      newest ? tokens.append(list, node) : tokens.insert(list, node);
      return static_cast<Count>(list.count);
    };
    if (kind.kind == QueueKind::kPlain) {
      count_up(slot, queue, link(view.lists[kind.slot]));
    } else {
      auto& keys = sessions[slot].keys;
      if (!keys) keys = std::make_unique<KeyIndex>();
      const auto key = tokens.key(token, static_cast<std::size_t>(kind.key_slot));
      key_up(slot, queue, key, link(keys->lists[{queue, key}]));
    }
  }
}

void Fleet::State::leave(std::uint32_t token) {
  const auto slot = tokens[token].session;
  const auto view = block(slot);
  for (auto node = tokens[token].first_node; node != kNil; node = tokens.node(node).sibling) {
    const auto queue = tokens.node(node).queue;
    const auto& kind = net.queues[queue];
    if (kind.kind == QueueKind::kPlain) {
      auto& list = view.lists[kind.slot];
      tokens.remove(list, node);
      count_down(slot, queue, static_cast<Count>(list.count));
    } else if (kind.kind == QueueKind::kKeyed) {
      auto& lists = sessions[slot].keys->lists;
      const auto key = tokens.key(token, static_cast<std::size_t>(kind.key_slot));
      const auto it = lists.find({queue, key});
      tokens.remove(it->second, node);
      const auto count = static_cast<Count>(it->second.count);
      if (count == 0) lists.erase(it);
      key_down(slot, queue, key, count);
    }
  }
}

void Fleet::State::occupy(std::uint32_t session, std::uint32_t capacity, Count change) {
  if (change == 0) return;
  auto& occupied = block(session).occupied[capacity];
  const auto limit = net.capacity[capacity];
  const auto fits = [&](Count room) { return occupied <= limit - room; };
  for (const auto& watcher : net.room_watchers[capacity]) {
    const bool before = fits(watcher.room);
    occupied += change;
    const bool after = fits(watcher.room);
    occupied -= change;
    if (before != after) satisfy(session, watcher.transition, after);
  }
  occupied += change;
}

// ---- tokens

void Fleet::State::check_emission(const Emission& emission) const {
  const auto n = emission.places.size();
  const auto size = [&](const char* what, std::size_t found, std::size_t wanted) {
    if (found != 0 && found != wanted)
      throw std::invalid_argument(std::string(what) + ": " + std::to_string(found) + " values for " +
                                  std::to_string(n) + " tokens");
  };
  size("keys", emission.keys.size(), n * emission.key_columns);
  size("guards", emission.guards.size(), n);
  size("members", emission.members.size(), n);
  if (!emission.keys.empty() && net.key_slots != 0 && emission.key_columns != net.key_slots)
    throw std::invalid_argument("keys: " + std::to_string(emission.key_columns) + " columns for " +
                                std::to_string(net.key_slots) + " key slots");
  for (const auto value : emission.places) {
    const auto p = place(value);
    if (net.resource_index[p] != kNone)
      throw std::invalid_argument("place " + std::to_string(p) + " is a resource; only supply puts tokens there");
    if (!emission.keys.empty() || !net.has_keys) continue;
    for (const auto queue : net.extra_queues[p])
      if (net.queues[queue].kind == QueueKind::kKeyed)
        throw std::invalid_argument("place " + std::to_string(p) + " is read by key: its tokens need keys");
  }
}

std::int64_t Fleet::State::add_token(std::uint32_t session, std::uint32_t scope, const Emission& emission,
                                     std::size_t i) {
  const auto* keys = emission.keys.empty() ? nullptr : emission.keys.data() + i * emission.key_columns;
  const auto guards = emission.guards.empty() ? 0 : emission.guards[i];
  const auto token = tokens.create(session, static_cast<std::uint32_t>(emission.places[i]), keys, guards);
  enter(token, true);
  groups.born(token, scope);
  return tokens.id(token);
}

std::vector<std::int64_t> Fleet::State::put(std::int64_t id, const Emission& emission) {
  const auto slot = session(id);
  check_emission(emission);
  auto& record = sessions[slot];
  std::vector<Count> arriving(net.capacity.size(), 0);
  for (const auto p : emission.places) {
    const auto c = net.capacity_index[static_cast<std::size_t>(p)];
    if (c == kNone) continue;
    const auto occupied = record.block ? block(slot).occupied[c] : 0;
    if (arriving[c] >= net.capacity[c] - occupied)
      throw std::invalid_argument("place " + std::to_string(p) + " of session " + std::to_string(id) +
                                  " has room for " + std::to_string(net.capacity[c] - occupied) +
                                  " tokens only (capacity " + std::to_string(net.capacity[c]) + ")");
    ++arriving[c];
  }
  if (!record.block) make_block(slot);
  std::vector<std::int64_t> ids;
  ids.reserve(emission.places.size());
  for (std::size_t i = 0; i < emission.places.size(); ++i) ids.push_back(add_token(slot, kNil, emission, i));
  for (std::uint32_t c = 0; c < arriving.size(); ++c) occupy(slot, c, arriving[c]);
  settle(slot);
  return ids;
}

void Fleet::State::drop(std::int64_t id, std::int64_t token_id) {
  const auto slot = session(id);
  const auto token = tokens.find(token_id);
  if (token == kNil || tokens[token].session != slot)
    throw UnknownId("session " + std::to_string(id) + " has no token " + std::to_string(token_id));
  if (tokens[token].owner != kNil)
    throw std::invalid_argument("token " + std::to_string(token_id) + " is held by firing " +
                                std::to_string(firing_id(tokens[token].owner)));
  const auto capacity = net.capacity_index[tokens[token].place];
  leave(token);
  groups.gone(token);
  tokens.destroy(token);
  if (capacity != kNone) occupy(slot, capacity, -1);
  settle(slot);
}

void Fleet::State::supply(std::int64_t value, std::int64_t n) {
  const auto p = place(value);
  const auto resource = net.resource_index[p];
  if (resource == kNone) throw std::invalid_argument("place " + std::to_string(p) + " is no resource");
  if (n < 0)
    throw std::invalid_argument("cannot supply " + std::to_string(n) + " tokens to place " + std::to_string(p));
  free_resources[resource] += n;
  ready.wake(resource);
}

// ---- enabling

Pair Fleet::State::pair_of(std::uint32_t session, std::uint32_t transition) const noexcept {
  return {net.priority_line[transition], sessions[session].account, block(session).ages[transition], session,
          transition};
}

void Fleet::State::enlist(std::uint32_t session, std::uint32_t transition) {
  block(session).ages[transition] = ++ages_;
  ready.push(pair_of(session, transition));
  ++enabled_pairs;
}

void Fleet::State::retire(std::uint32_t session, std::uint32_t transition) {
  const auto view = block(session);
  if (!net.resource_place.empty() && view.waits[transition] != 0) {
    const auto pair = pair_of(session, transition);
    ready.unwake(pair);
    ready.leave(view.waits[transition] - 1u, pair);
    view.waits[transition] = 0;
  }
  view.ages[transition] = 0;
  --enabled_pairs;
}

void Fleet::State::settle(std::uint32_t session) {
  if (net.has_gathers) {
    changes_.clear();
    groups.settle(changes_);
    for (const auto& change : changes_) satisfy(change.session, change.transition, change.ready);
  }
  if (dirty_.empty()) return;
  if (dirty_.size() > 1) {
    std::sort(dirty_.begin(), dirty_.end());
    dirty_.erase(std::unique(dirty_.begin(), dirty_.end()), dirty_.end());
  }
  const auto view = block(session);
  for (const auto t : dirty_) {
    const bool enabled = view.unsatisfied[t] == 0;
    if (enabled && view.ages[t] == 0) enlist(session, t);
    if (!enabled && view.ages[t] != 0) retire(session, t);
  }
  dirty_.clear();
}

}  // namespace petricore
