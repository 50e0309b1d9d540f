#include "fleet_net.hpp"

#include <algorithm>
#include <map>
#include <set>

namespace petricore::fleet {
namespace {

[[noreturn]] void bad(const std::string& what) { throw std::invalid_argument(what); }

std::string text(std::int64_t value) { return std::to_string(value); }

std::uint32_t index_in(const std::string& where, const char* what, std::int64_t value, std::size_t bound) {
  if (value < 0 || static_cast<std::uint64_t>(value) >= bound)
    bad(where + ": " + what + " " + text(value) + " is not in 0.." + text(static_cast<std::int64_t>(bound) - 1));
  return static_cast<std::uint32_t>(value);
}

Count count_in(const std::string& where, const char* what, std::int64_t value, std::int64_t least) {
  if (value < least || value > kMaxTokens)
    bad(where + ": " + what + " " + text(value) + " is not in " + text(least) + ".." + text(kMaxTokens));
  return static_cast<Count>(value);
}

Count add(const std::string& where, Count a, Count b) {
  return count_in(where, "sum of weights", std::int64_t{a} + b, 0);
}

template <class T>
using Rows = std::vector<std::vector<T>>;

bool consumes(ArcMode mode) { return mode != ArcMode::kRead; }

std::string transition_name(std::uint32_t t) { return "transition " + text(t); }

}  // namespace

FleetNet::FleetNet(const FleetSpec& spec) {
  constexpr std::int64_t kMaxNodes = 1 << 30;
  if (spec.places < 0 || spec.places > kMaxNodes)
    bad("places: " + text(spec.places) + " is not in 0.." + text(kMaxNodes));
  if (spec.transitions < 0 || spec.transitions > kMaxNodes)
    bad("transitions: " + text(spec.transitions) + " is not in 0.." + text(kMaxNodes));
  places = static_cast<std::size_t>(spec.places);
  transitions = static_cast<std::size_t>(spec.transitions);

  resource_index.assign(places, kNone);
  for (const auto& [place, tokens] : spec.resources) {
    const auto p = index_in("resources", "place", place, places);
    if (resource_index[p] != kNone) bad("resources: place " + text(p) + " is named twice");
    if (tokens < 0) bad("resources: place " + text(p) + " cannot hold " + text(tokens) + " tokens");
    resource_index[p] = static_cast<std::uint32_t>(resource_place.size());
    resource_place.push_back(p);
    resource_initial.push_back(tokens);
  }
  capacity_index.assign(places, kNone);
  for (const auto& [place, limit] : spec.capacities) {
    const auto p = index_in("capacities", "place", place, places);
    if (capacity_index[p] != kNone) bad("capacities: place " + text(p) + " is named twice");
    if (resource_index[p] != kNone) bad("capacities: place " + text(p) + " is a resource, which has none");
    capacity_index[p] = static_cast<std::uint32_t>(capacity.size());
    capacity_place.push_back(p);
    capacity.push_back(count_in("capacities: place " + text(p), "capacity", limit, 1));
  }

  if (!spec.priorities.empty() && spec.priorities.size() != transitions)
    bad("priorities: " + text(static_cast<std::int64_t>(spec.priorities.size())) + " for " + text(spec.transitions) +
        " transitions");
  std::set<std::int64_t, std::greater<>> distinct(spec.priorities.begin(), spec.priorities.end());
  if (distinct.empty()) distinct.insert(0);
  priority_lines = distinct.size();
  priority_line.assign(transitions, 0);
  for (std::size_t t = 0; t < spec.priorities.size(); ++t)
    priority_line[t] = static_cast<std::uint32_t>(std::distance(distinct.begin(), distinct.find(spec.priorities[t])));

  compile_inputs(spec);
  compile_outputs(spec);
  compile_watchers(spec);
  compile_gathers();
  if (has_gathers) {
    compile_reachability();
    compile_scatter_gathers();
  }
}

std::uint32_t FleetNet::queue_for(std::uint32_t place, std::int32_t guard, std::int32_t key_slot, QueueKind kind) {
  if (guard < 0 && key_slot < 0 && kind == QueueKind::kPlain) return place;
  for (const auto q : place_queues_[place])
    if (queues[q].guard == guard && queues[q].key_slot == key_slot && queues[q].kind == kind) return q;
  const auto q = static_cast<std::uint32_t>(queues.size());
  queues.push_back(
      {place, guard, key_slot, kind, kind == QueueKind::kPlain ? static_cast<std::uint32_t>(plain_queues++) : kNone});
  place_queues_[place].push_back(q);
  return q;
}

void FleetNet::compile_inputs(const FleetSpec& spec) {
  queues.resize(places);
  plain_queues = places;
  for (std::uint32_t p = 0; p < places; ++p) queues[p] = {p, -1, -1, QueueKind::kPlain, p};
  place_queues_.assign(places, {});

  Rows<InputArc> rows(transitions);
  Rows<Amount> taken(transitions);
  std::vector<bool> binds(transitions, false);
  for (std::size_t i = 0; i < spec.inputs.size(); ++i) {
    const auto& in = spec.inputs[i];
    const auto t =
        index_in("inputs[" + text(static_cast<std::int64_t>(i)) + "]", "transition", in.transition, transitions);
    const auto p = index_in("input of " + transition_name(t), "place", in.place, places);
    const std::string where = "input of " + transition_name(t) + " from place " + text(p);
    if (in.mode < 0 || in.mode > 3) bad(where + ": mode " + text(in.mode) + " is none of TAKE, DRAIN, GATHER, READ");
    const auto mode = static_cast<ArcMode>(in.mode);
    const bool may_be_zero = mode == ArcMode::kDrain || mode == ArcMode::kGather;
    const auto weight = count_in(where, "weight", in.weight, may_be_zero ? 0 : 1);
    if (in.guard < -1 || in.guard > 63) bad(where + ": guard " + text(in.guard) + " is not in -1..63");
    if (in.key_slot < -1 || in.key_slot > 63) bad(where + ": key slot " + text(in.key_slot) + " is not in -1..63");
    if (resource_index[p] != kNone) {
      if (mode != ArcMode::kTake || in.guard >= 0 || in.key_slot >= 0)
        bad(where + ": a resource can only be taken, without guard or key");
      auto& amounts = taken[t];
      const auto same = std::find_if(amounts.begin(), amounts.end(),
                                     [&](const Amount& a) { return a.resource == resource_index[p]; });
      if (same == amounts.end())
        amounts.push_back({resource_index[p], weight});
      else
        same->tokens = add(where, same->tokens, weight);
      continue;
    }
    if (in.key_slot >= 0 && may_be_zero)
      bad(where + ": a keyed arc takes or reads, mode " + text(in.mode) + " does not");
    const auto kind = mode == ArcMode::kGather ? QueueKind::kGather
                      : in.key_slot >= 0       ? QueueKind::kKeyed
                                               : QueueKind::kPlain;
    const auto queue = queue_for(p, static_cast<std::int32_t>(in.guard), static_cast<std::int32_t>(in.key_slot), kind);
    for (const auto& other : rows[t]) {
      if (other.place != p || !consumes(mode) || !consumes(other.mode)) continue;
      if (mode != ArcMode::kTake || other.mode != ArcMode::kTake || other.queue != queue)
        bad(where +
            ": the transition consumes from this place by another arc already; only TAKE arcs with the same "
            "guard and key may share a place");
    }
    if (rows[t].size() == 0xffff) bad(transition_name(t) + ": more than 65535 input arcs");
    rows[t].push_back({p, queue, mode, weight});
    binds[t] = binds[t] || weight > 0 || mode == ArcMode::kGather;
    has_guards = has_guards || in.guard >= 0;
    has_keys = has_keys || in.key_slot >= 0;
    has_gathers = has_gathers || mode == ArcMode::kGather;
    key_slots = std::max(key_slots, static_cast<std::size_t>(in.key_slot + 1));
  }
  for (std::uint32_t t = 0; t < transitions; ++t)
    if (!binds[t])
      bad(transition_name(t) +
          " takes or reads no session token, so nothing says when and in which session it fires; "
          "let a timer put tokens instead");
  inputs = Csr<InputArc>::from_rows(rows);
  needs = Csr<Amount>::from_rows(taken);
  extra_queues = Csr<std::uint32_t>::from_rows(place_queues_);
}

void FleetNet::compile_outputs(const FleetSpec& spec) {
  Rows<OutputArc> rows(transitions);
  Rows<Amount> given(transitions);
  for (std::size_t i = 0; i < spec.outputs.size(); ++i) {
    const auto& out = spec.outputs[i];
    const auto t =
        index_in("outputs[" + text(static_cast<std::int64_t>(i)) + "]", "transition", out.transition, transitions);
    const auto p = index_in("output of " + transition_name(t), "place", out.place, places);
    const std::string where = "output of " + transition_name(t) + " to place " + text(p);
    const auto weight = count_in(where, "weight", out.weight, 1);
    if (const auto r = resource_index[p]; r != kNone) {
      const auto same =
          std::find_if(given[t].begin(), given[t].end(), [&](const Amount& a) { return a.resource == r; });
      if (same == given[t].end())
        given[t].push_back({r, weight});
      else
        same->tokens = add(where, same->tokens, weight);
      continue;
    }
    const auto same = std::find_if(rows[t].begin(), rows[t].end(), [&](const OutputArc& a) { return a.place == p; });
    if (same != rows[t].end()) {
      same->weight = add(where, same->weight, weight);
      continue;
    }
    Count taken = 0;
    for (const auto& in : inputs[t])
      if (in.place == p && (in.mode == ArcMode::kTake || in.mode == ArcMode::kDrain))
        taken = add(where, taken, in.weight);
    rows[t].push_back({p, weight, false, capacity_index[p], taken});
  }
  for (const auto& [transition, place] : spec.scatters) {
    const auto t = index_in("scatters", "transition", transition, transitions);
    const auto p = index_in("scatter of " + transition_name(t), "place", place, places);
    const std::string where = "scatter of " + transition_name(t) + " to place " + text(p);
    const auto arc = std::find_if(rows[t].begin(), rows[t].end(), [&](const OutputArc& a) { return a.place == p; });
    if (arc == rows[t].end()) bad(where + ": is no output to a session place");
    if (arc->capacity_index != kNone) bad(where + ": the place has a capacity, and a list has no declared length");
    arc->scatter = true;
  }
  outputs = Csr<OutputArc>::from_rows(rows);
  returns = Csr<Amount>::from_rows(given);
}

void FleetNet::compile_watchers(const FleetSpec& spec) {
  Rows<Watcher> rows(queues.size());
  Rows<RoomWatcher> rooms(capacity.size());
  std::vector<std::size_t> unmet(transitions, 0);
  keyed_watchers.assign(transitions, 0);
  const auto watch = [&](std::uint32_t t, std::uint32_t queue, Count threshold) {
    rows[queue].push_back({t, threshold, false});
    if (queues[queue].kind == QueueKind::kKeyed)
      ++keyed_watchers[t];
    else
      ++unmet[t];
  };
  for (std::uint32_t t = 0; t < transitions; ++t) {
    std::map<std::uint32_t, Count> taken;  // TAKE arcs that share a queue add up
    bool gathers_any = false;
    for (const auto& arc : inputs[t]) {
      if (arc.mode == ArcMode::kTake)
        taken[arc.queue] = add("inputs of " + transition_name(t), taken[arc.queue], arc.weight);
      else if (arc.mode == ArcMode::kGather)
        gathers_any = true;
      else if (arc.weight > 0)
        watch(t, arc.queue, arc.weight);
    }
    for (const auto& [queue, threshold] : taken) watch(t, queue, threshold);
    unmet[t] += (keyed_watchers[t] > 0) + gathers_any;
    for (const auto& out : outputs[t])
      if (out.capacity_index != kNone && out.weight > out.taken) {
        rooms[out.capacity_index].push_back({t, out.weight - out.taken});
        if (out.weight - out.taken > capacity[out.capacity_index]) ++unmet[t];  // can never be met
      }
  }
  for (std::size_t i = 0; i < spec.inhibitors.size(); ++i) {
    const auto& in = spec.inhibitors[i];
    const auto t =
        index_in("inhibitors[" + text(static_cast<std::int64_t>(i)) + "]", "transition", in.transition, transitions);
    const auto p = index_in("inhibitor of " + transition_name(t), "place", in.place, places);
    const std::string where = "inhibitor of " + transition_name(t) + " on place " + text(p);
    if (resource_index[p] != kNone) bad(where + ": a resource inhibits nothing");
    rows[p].push_back({t, count_in(where, "weight", in.weight, 1), true});
  }
  unsatisfied.reserve(transitions);
  for (std::uint32_t t = 0; t < transitions; ++t) {
    if (unmet[t] > 0x7fff) bad(transition_name(t) + ": more than 32767 arcs");
    unsatisfied.push_back(static_cast<std::uint16_t>(unmet[t]));
  }
  watchers = Csr<Watcher>::from_rows(rows);
  room_watchers = Csr<RoomWatcher>::from_rows(rooms);
}

}  // namespace petricore::fleet
