// One session of a fleet as bytes, and back.
//
// Only what the operations decided is written: tokens with their marks and groups in order of age, what each firing
// holds, the gatherings, and three orders in which things are served (keys, groups, transitions). Queues, counts,
// blockers and who is enabled follow from these and are recomputed by the same code that keeps them up.
#include <algorithm>
#include <map>
#include <unordered_map>

#include "fleet_bytes.hpp"
#include "fleet_image.hpp"
#include "fleet_state.hpp"

namespace petricore {
using namespace fleet;

std::vector<std::int64_t> Fleet::State::complete_keys(std::uint32_t slot, std::uint32_t transition) const {
  std::vector<std::int64_t> keys;
  if (!sessions[slot].keys) return keys;
  const auto& index = *sessions[slot].keys;
  const auto line = index.lines.find(transition);
  if (line == index.lines.end()) return keys;
  for (const auto& turn : line->second.turns) {
    const auto it = index.states.find({transition, turn.key});
    if (it != index.states.end() && it->second.since == turn.since) keys.push_back(turn.key);
  }
  return keys;
}

SavedSession Fleet::State::save(std::int64_t id) const {
  const auto slot = session(id);
  SavedSession saved;
  ByteWriter out;
  out.put(kImageVersion);
  out.put(net_fingerprint_);

  std::vector<std::uint32_t> alive, running;
  if (sessions[slot].block) {
    const auto view = block(slot);
    for (std::size_t p = 0; p < net.places; ++p)
      for (auto node = view.lists[p].head; node != kNil; node = tokens.node(node).next)
        alive.push_back(tokens.node(node).token);
  }
  for (auto f = sessions[slot].first_firing; f != kNil; f = firings[f].next) running.push_back(f);
  std::reverse(running.begin(), running.end());
  for (const auto f : running) {
    const auto all = held(firings[f]);
    alive.insert(alive.end(), all.begin(), all.end());
  }
  std::sort(alive.begin(), alive.end(), [&](auto a, auto b) { return tokens[a].age < tokens[b].age; });
  const auto opened = groups.groups_of_session(slot);

  const auto token_at = [&](std::uint32_t token) {
    const auto at = std::lower_bound(alive.begin(), alive.end(), tokens[token].age,
                                     [&](auto other, auto age) { return tokens[other].age < age; });
    return static_cast<std::uint32_t>(at - alive.begin());
  };
  std::unordered_map<std::uint32_t, std::uint32_t> firing_at, group_at;
  for (std::uint32_t i = 0; i < running.size(); ++i) firing_at[running[i]] = i;
  for (std::uint32_t i = 0; i < opened.size(); ++i) group_at[opened[i]] = i;
  const auto scope_of = [&](std::uint32_t scope) {
    std::vector<std::uint32_t> positions;
    for (const auto& group : groups.groups_in(scope)) positions.push_back(group_at.at(group.slot));
    return positions;
  };
  const auto group_or_none = [&](std::uint32_t group) { return group == kNil ? 0 : group_at.at(group) + 1; };

  out.put(opened.size());
  out.put(alive.size());
  out.put(running.size());
  for (const auto group : opened) {
    out.put_list(scope_of(groups.parent(group)));
    out.put(groups.runner(group) == kNil ? 0 : firing_at.at(groups.runner(group)) + 1);
    out.put(groups.gatherings(group).size());
    for (const auto& gathering : groups.gatherings(group)) {
      out.put(gathering.queue);
      out.put(gathering.firing ? 1 : 0);
      out.put(gathering.served ? 1 : 0);
    }
  }
  for (const auto token : alive) {
    out.put(tokens[token].place);
    out.put(tokens.guards(token));
    for (std::size_t k = 0; k < net.key_slots; ++k) out.put_signed(tokens.key(token, k));
    out.put_list(scope_of(groups.scope_of(token)));
    saved.tokens.push_back(tokens.id(token));
  }
  for (const auto f : running) {
    const auto& firing = firings[f];
    out.put(firing.transition);
    out.put_list(scope_of(firing.scope));
    out.put(group_or_none(firing.opened));
    out.put(group_or_none(firing.closing));
    std::vector<std::uint32_t> positions;
    for (const auto token : held(firing)) positions.push_back(token_at(token));
    out.put_list(positions);
    out.put(firing.reservations.size());
    for (const auto& kept : firing.reservations) {
      out.put(kept.capacity);
      out.put(static_cast<std::uint64_t>(kept.taken));
      out.put(static_cast<std::uint64_t>(kept.room));
    }
    saved.firings.push_back(firing_id(f));
  }

  // A key by a token that has it: keys may be numbered anew when they are loaded.
  std::map<std::uint32_t, std::vector<std::uint32_t>> key_lines, group_lines;
  for (std::uint32_t t = 0; t < net.transitions; ++t) {
    for (const auto group : groups.closable(slot, t)) group_lines[t].push_back(group_at.at(group));
    if (net.keyed_watchers[t] == 0) continue;
    const auto* keyed = keyed_arc(net, t);
    for (const auto key : complete_keys(slot, t)) {
      const auto& list = sessions[slot].keys->lists.at({keyed->queue, key});
      key_lines[t].push_back(token_at(tokens.node(list.head).token));
    }
  }
  for (const auto* lines : {&key_lines, &group_lines}) {
    out.put(lines->size());
    for (const auto& [transition, line] : *lines) {
      out.put(transition);
      out.put_list(line);
    }
  }
  std::vector<std::uint32_t> enabled;
  if (sessions[slot].block) {
    const auto view = block(slot);
    for (std::uint32_t t = 0; t < net.transitions; ++t)
      if (view.ages[t] != 0) enabled.push_back(t);
    std::sort(enabled.begin(), enabled.end(), [&](auto a, auto b) { return view.ages[a] < view.ages[b]; });
  }
  out.put_list(enabled);
  saved.data = std::move(out).finish();
  return saved;
}

LoadedSession Fleet::State::load(std::span<const std::byte> data,
                                 const std::optional<std::span<const std::int64_t>>& keys, std::int64_t account) {
  auto image = read_image(data, net_fingerprint_, net);
  if (keys) {
    if (keys->size() != image.tokens.size() * net.key_slots)
      throw std::invalid_argument("keys: " + std::to_string(keys->size()) + " values for " +
                                  std::to_string(image.tokens.size()) + " tokens and " + std::to_string(net.key_slots) +
                                  " key slots");
    for (std::size_t i = 0; i < image.tokens.size(); ++i)
      image.tokens[i].keys.assign(keys->begin() + static_cast<std::ptrdiff_t>(i * net.key_slots),
                                  keys->begin() + static_cast<std::ptrdiff_t>((i + 1) * net.key_slots));
  }

  LoadedSession loaded;
  loaded.session = open(1, account).front();
  const auto slot = slot_of(loaded.session);
  if (image.tokens.empty() && image.firings.empty() && image.groups.empty()) return loaded;
  make_block(slot);

  std::vector<std::uint32_t> token_slots, firing_slots;
  for (const auto& saved : image.firings) firing_slots.push_back(begin_firing(slot, saved.transition));
  std::vector<GroupStore::Saved> saved_groups;
  for (auto& group : image.groups)
    saved_groups.push_back(
        {group.parents, group.runner == 0 ? kNil : firing_slots[group.runner - 1], std::move(group.gatherings)});
  const auto group_slots = groups.restore(slot, saved_groups);
  const auto slots_of = [&](const std::vector<std::uint32_t>& positions) {
    std::vector<std::uint32_t> all;
    all.reserve(positions.size());
    for (const auto position : positions) all.push_back(group_slots[position]);
    return all;
  };

  for (const auto& saved : image.tokens)
    token_slots.push_back(
        tokens.create(slot, saved.place, net.key_slots == 0 ? nullptr : saved.keys.data(), saved.guards));
  for (std::size_t i = 0; i < image.firings.size(); ++i) {
    const auto& saved = image.firings[i];
    auto& firing = firings[firing_slots[i]];
    firing.scope = groups.scope_with(slots_of(saved.groups));
    firing.opened = saved.opened == 0 ? kNil : group_slots[saved.opened - 1];
    firing.closing = saved.closing == 0 ? kNil : group_slots[saved.closing - 1];
    firing.reservations = saved.reservations;
    std::uint32_t last = kNil;
    for (const auto position : saved.held) {
      const auto token = token_slots[position];
      tokens[token].owner = firing_slots[i];
      (last == kNil ? firing.first_held : tokens[last].next_held) = token;
      last = token;
    }
    for (const auto& kept : firing.reservations) occupy(slot, kept.capacity, kept.seats());
    overdraw(saved.transition);
    loaded.firings.push_back(firing_id(firing_slots[i]));
  }
  for (std::size_t i = 0; i < image.tokens.size(); ++i) {
    const auto token = token_slots[i];
    if (tokens[token].owner == kNil) {
      enter(token, true);
      if (const auto c = net.capacity_index[tokens[token].place]; c != kNone) occupy(slot, c, 1);
    }
    const auto scope = groups.scope_with(slots_of(image.tokens[i].groups));
    groups.born(token, scope);
    groups.unref(scope);
    loaded.tokens.push_back(tokens.id(token));
  }

  restore_orders(slot, image.key_lines, image.group_lines, image.enabled, token_slots, group_slots);
  return loaded;
}

// Serves keys, groups and transitions in the order in which they stood.
void Fleet::State::restore_orders(std::uint32_t slot, const Lines& key_lines, const Lines& group_lines,
                                  const std::vector<std::uint32_t>& enabled,
                                  const std::vector<std::uint32_t>& token_slots,
                                  const std::vector<std::uint32_t>& group_slots) {
  for (const auto& [transition, line] : key_lines) {
    const auto* keyed = keyed_arc(net, transition);
    const auto key_slot = static_cast<std::size_t>(net.queues[keyed->queue].key_slot);
    for (const auto position : line) {
      const auto key = tokens.key(token_slots[position], key_slot);
      if (!sessions[slot].keys) continue;
      const auto& states = sessions[slot].keys->states;
      const auto state = states.find({transition, key});
      if (state != states.end() && state->second.since != 0) requeue_key(slot, transition, key);
    }
  }
  if (net.has_gathers) {
    changes_.clear();
    groups.settle(changes_);
    for (const auto& change : changes_) satisfy(change.session, change.transition, change.ready);
    for (const auto& [transition, line] : group_lines) {
      std::vector<std::uint32_t> order;
      for (const auto position : line) order.push_back(group_slots[position]);
      for (const auto group : groups.closable(slot, transition))
        if (std::find(order.begin(), order.end(), group) == order.end()) order.push_back(group);
      groups.reorder(slot, transition, order);
    }
  }
  for (const auto t : enabled)
    if (block(slot).unsatisfied[t] == 0 && block(slot).ages[t] == 0) enlist(slot, t);
  settle(slot);
}

}  // namespace petricore
