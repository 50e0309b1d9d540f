#include "fleet_groups.hpp"

#include <algorithm>

namespace petricore::fleet {

// ---- what a token means to a gathering

GroupStore::Role GroupStore::role(std::uint32_t token, bool innermost, std::uint32_t queue) const noexcept {
  const auto place = (*tokens_)[token].place;
  const auto& gather = net_->queues[queue];
  if (place == gather.place && gather.admits(tokens_->guards(token)))
    return innermost && (*tokens_)[token].owner == kNil ? Role::kMember : Role::kBlocker;
  for (auto node = (*tokens_)[token].first_node; node != kNil; node = tokens_->node(node).sibling) {
    const auto from = tokens_->node(node).queue;
    if (innermost ? net_->queue_reaches_balanced(from, gather.place) : net_->queue_reaches(from, gather.place))
      return Role::kBlocker;
  }
  return Role::kNeither;
}

std::uint32_t GroupStore::node_in(std::uint32_t token, std::uint32_t queue) const noexcept {
  auto node = (*tokens_)[token].first_node;
  while (tokens_->node(node).queue != queue) node = tokens_->node(node).sibling;
  return node;
}

void GroupStore::contribute(std::uint32_t token, bool enters) {
  const auto scope = carriers_[token].scope;
  const auto& groups = scopes_[scope].groups;
  for (std::size_t i = 0; i < groups.size(); ++i) {
    const bool innermost = i + 1 == groups.size();
    for (auto& gathering : groups_[groups[i].slot].gatherings) {
      switch (role(token, innermost, gathering.queue)) {
        case Role::kNeither:
          continue;
        case Role::kMember: {
          const auto node = node_in(token, gathering.queue);
          enters ? tokens_->append(gathering.members, node) : tokens_->remove(gathering.members, node);
          touch(groups[i].slot);
          break;
        }
        case Role::kBlocker:
          gathering.blockers += enters ? 1u : ~0u;
          if (gathering.blockers <= 1) touch(groups[i].slot);
          break;
      }
    }
  }
}

void GroupStore::born(std::uint32_t token, std::uint32_t scope) {
  if (scope == kNil) return;
  if (carriers_.size() <= token) carriers_.resize(token + 1 + token / 2);
  ref(scope);
  auto& head = scopes_[scope].first_token;
  carriers_[token] = {scope, kNil, head};
  if (head != kNil) carriers_[head].prev = token;
  head = token;
  contribute(token, true);
}

void GroupStore::set_owner(std::uint32_t token, std::uint32_t firing) {
  // Being held matters on gather places only.
  const bool matters = scope_of(token) != kNil && !net_->place_gathers[(*tokens_)[token].place].empty();
  if (matters) contribute(token, false);
  (*tokens_)[token].owner = firing;
  if (matters) contribute(token, true);
}

void GroupStore::set_guards(std::uint32_t token, std::uint64_t guards) {
  const bool counts = scope_of(token) != kNil;
  if (counts) contribute(token, false);
  tokens_->set_guards(token, guards);
  if (counts) contribute(token, true);
}

void GroupStore::gone(std::uint32_t token) {
  const auto scope = scope_of(token);
  if (scope == kNil) return;
  contribute(token, false);
  const auto carrier = carriers_[token];
  (carrier.prev == kNil ? scopes_[scope].first_token : carriers_[carrier.prev].next) = carrier.next;
  if (carrier.next != kNil) carriers_[carrier.next].prev = carrier.prev;
  carriers_[token] = {};
  unref(scope);
}

// ---- groups and gatherings

Gathering* GroupStore::find(std::uint32_t group, std::uint32_t queue) noexcept {
  for (auto& gathering : groups_[group].gatherings)
    if (gathering.queue == queue) return &gathering;
  return nullptr;
}

void GroupStore::touch(std::uint32_t group) {
  if (groups_[group].queued) return;
  groups_[group].queued = true;
  queued_.push_back(group);
}

void GroupStore::open(std::uint32_t& group, std::uint32_t session, std::uint32_t firing, std::uint32_t parent,
                      std::uint32_t place) {
  const auto queues = net_->scatter_gathers[place];
  if (queues.empty()) return;
  const bool late = group != kNil;
  if (!late) {
    if (free_group_ != kNil) {
      group = free_group_;
      free_group_ = groups_[group].next;
    } else {
      group = static_cast<std::uint32_t>(groups_.size());
      groups_.emplace_back();
    }
    auto& record = groups_[group];
    record.id = ++last_group_;
    record.session = session;
    record.runner = firing;
    record.parent = parent;
    ref(parent);
    auto& head = session_groups_[session];
    record.prev = kNil;
    record.next = head;
    if (head != kNil) groups_[head].prev = group;
    head = group;
    auto scope = scopes_[parent].groups;
    scope.push_back({record.id, group, 0});
    record.member_scope = intern(scope);
    ref(record.member_scope);
  }
  for (const auto queue : queues)
    if (find(group, queue) == nullptr) add_gathering(group, queue, late);
  touch(group);
}

void GroupStore::add_gathering(std::uint32_t group, std::uint32_t queue, bool late) {
  auto& record = groups_[group];
  record.gatherings.push_back({queue, 0, {}, false, false});
  for (const auto t : net_->gather_transitions[queue]) {
    const auto at = std::lower_bound(record.ready.begin(), record.ready.end(), t,
                                     [](const Ready& ready, std::uint32_t u) { return ready.transition < u; });
    if (at == record.ready.end() || at->transition != t) record.ready.insert(at, {t, 0});
  }
  shift_parents(record, queue, true);
  if (late) count_existing(group, record.gatherings.back());
}

// A generator that emitted elsewhere before: what its group has come to since counts for the new gathering too.
// COST: the group's carriers and the session's open groups.
void GroupStore::count_existing(std::uint32_t group, Gathering& gathering) {
  for (const auto scope : groups_[group].scopes) {
    const bool innermost = scopes_[scope].groups.back().slot == group;
    for (auto token = scopes_[scope].first_token; token != kNil; token = carriers_[token].next) {
      const auto kind = role(token, innermost, gathering.queue);
      if (kind == Role::kMember) tokens_->append(gathering.members, node_in(token, gathering.queue));
      if (kind == Role::kBlocker) ++gathering.blockers;
    }
  }
  const auto place = net_->queues[gathering.queue].place;
  for (auto inner = session_groups_[groups_[group].session]; inner != kNil; inner = groups_[inner].next) {
    const auto& parents = scopes_[groups_[inner].parent].groups;
    if (std::none_of(parents.begin(), parents.end(), [&](const GroupRef& g) { return g.slot == group; })) continue;
    for (const auto& other : groups_[inner].gatherings)
      if (net_->reaches(net_->queues[other.queue].place, place)) ++gathering.blockers;
  }
}

// A gathering on this queue begins or ends: it blocks those of the groups around it that its result may come to.
void GroupStore::shift_parents(const Group& group, std::uint32_t queue, bool begins) {
  const auto place = net_->queues[queue].place;
  for (const auto& parent : scopes_[group.parent].groups)
    for (auto& outer : groups_[parent.slot].gatherings)
      if (net_->reaches(place, net_->queues[outer.queue].place)) {
        outer.blockers += begins ? 1u : ~0u;
        if (outer.blockers <= 1) touch(parent.slot);
      }
}

void GroupStore::firing_ended(std::uint32_t group) {
  groups_[group].runner = kNil;
  touch(group);
}

void GroupStore::finish(std::uint32_t group, std::size_t at) {
  auto& gatherings = groups_[group].gatherings;
  const auto queue = gatherings[at].queue;
  gatherings.erase(gatherings.begin() + static_cast<std::ptrdiff_t>(at));
  shift_parents(groups_[group], queue, false);
  touch(group);
}

// ---- firing

std::uint32_t GroupStore::next_to_close(std::uint32_t session, std::uint32_t transition) {
  const auto it = lines_.find(line_key(session, transition));
  if (it == lines_.end()) return kNil;
  auto& turns = it->second.turns;
  for (; !turns.empty(); turns.pop_front()) {
    const auto& turn = turns.front();
    for (const auto& ready : groups_[turn.group].ready)
      if (ready.transition == transition && ready.since == turn.since) return turn.group;
  }
  return kNil;
}

std::vector<std::uint32_t> GroupStore::members(std::uint32_t group, std::uint32_t queue) const {
  std::vector<std::uint32_t> tokens;
  for (const auto& gathering : groups_[group].gatherings) {
    if (gathering.queue != queue) continue;
    tokens.reserve(gathering.members.count);
    for (auto node = gathering.members.head; node != kNil; node = tokens_->node(node).next)
      tokens.push_back(tokens_->node(node).token);
  }
  const auto older = [&](std::uint32_t a, std::uint32_t b) { return (*tokens_)[a].age < (*tokens_)[b].age; };
  if (!std::is_sorted(tokens.begin(), tokens.end(), older)) std::sort(tokens.begin(), tokens.end(), older);
  return tokens;
}

void GroupStore::claimed(std::uint32_t group, std::uint32_t transition) {
  for (const auto& arc : net_->gathers[transition]) find(group, arc.queue)->firing = true;
  touch(group);
}

void GroupStore::released(std::uint32_t group, std::uint32_t transition) {
  for (const auto& arc : net_->gathers[transition]) find(group, arc.queue)->firing = false;
  touch(group);
}

void GroupStore::fired(std::uint32_t group, std::uint32_t transition, const std::vector<std::uint32_t>& consumed) {
  const auto& parents = scopes_[groups_[group].parent].groups;
  const auto serves = [&](std::uint32_t other) {
    return other != group &&
           std::none_of(parents.begin(), parents.end(), [&](const GroupRef& parent) { return parent.slot == other; });
  };
  for (const auto token : consumed) {
    const auto place = (*tokens_)[token].place;
    const auto arcs = net_->gathers[transition];
    if (std::none_of(arcs.begin(), arcs.end(),
                     [&](const GatherArc& arc) { return net_->queues[arc.queue].place == place; }))
      continue;
    for (const auto& carried : scopes_[scope_of(token)].groups) {
      if (!serves(carried.slot)) continue;
      for (auto& gathering : groups_[carried.slot].gatherings) {
        const auto& queue = net_->queues[gathering.queue];
        if (queue.place == place && queue.admits(tokens_->guards(token))) gathering.served = true;
      }
    }
  }
  for (const auto& arc : net_->gathers[transition])
    finish(group, static_cast<std::size_t>(find(group, arc.queue) - groups_[group].gatherings.data()));
}

// ---- settling

bool GroupStore::closed(const Group& group, const Gathering& gathering) const noexcept {
  return gathering.blockers == 0 && group.runner == kNil && !gathering.firing;
}

namespace {
bool enough(const Gathering& gathering, Count least) noexcept {
  const auto n = gathering.members.count;
  return n >= static_cast<std::uint32_t>(least) && !(gathering.served && n == 0);
}
}  // namespace

bool GroupStore::can_fire(std::uint32_t group, std::uint32_t transition) {
  for (const auto& arc : net_->gathers[transition]) {
    const auto* gathering = find(group, arc.queue);
    if (gathering == nullptr || !closed(groups_[group], *gathering) || !enough(*gathering, arc.least)) return false;
  }
  return true;
}

bool GroupStore::cannot_ever(std::uint32_t group, std::uint32_t transition) {
  for (const auto& arc : net_->gathers[transition]) {
    const auto* gathering = find(group, arc.queue);
    if (gathering == nullptr || (closed(groups_[group], *gathering) && !enough(*gathering, arc.least))) return true;
  }
  return false;
}

// Ends the gatherings that are closed and that no transition can fire any more.
void GroupStore::end_gatherings(std::uint32_t group) {
  for (std::size_t i = 0; i < groups_[group].gatherings.size();) {
    const auto& gathering = groups_[group].gatherings[i];
    const auto users = net_->gather_transitions[gathering.queue];
    if (closed(groups_[group], gathering) &&
        std::all_of(users.begin(), users.end(), [&](std::uint32_t t) { return cannot_ever(group, t); })) {
      finish(group, i);
      i = 0;  // a sibling arc of the same transition may have to end with it
    } else {
      ++i;
    }
  }
}

// Strips the group from all scopes: a token that it was innermost for now stands in the group around it.
void GroupStore::end(std::uint32_t group) {
  const auto scopes = groups_[group].scopes;
  for (const auto scope : scopes) {
    ref(scope);
    for (auto token = scopes_[scope].first_token; token != kNil; token = carriers_[token].next)
      contribute(token, false);
    auto& groups = scopes_[scope].groups;
    const auto at = std::find_if(groups.begin(), groups.end(), [&](const GroupRef& g) { return g.slot == group; });
    forget_hash(scope);
    detach(scope, static_cast<std::size_t>(at - groups.begin()));
    groups.erase(at);
    if (!groups.empty()) interned_.emplace(hash(groups), scope);
    for (auto token = scopes_[scope].first_token; token != kNil; token = carriers_[token].next) contribute(token, true);
    unref(scope);
  }
  free_group(group);
}

void GroupStore::free_group(std::uint32_t group) {
  auto& record = groups_[group];
  const auto parent = record.parent, member_scope = record.member_scope;
  if (record.next != kNil) groups_[record.next].prev = record.prev;
  if (record.prev != kNil) {
    groups_[record.prev].next = record.next;
  } else if (record.next != kNil) {
    session_groups_[record.session] = record.next;
  } else {
    session_groups_.erase(record.session);
  }
  unref(member_scope);
  unref(parent);
  groups_[group] = {};
  groups_[group].next = free_group_;
  free_group_ = group;
}

void GroupStore::set_ready(std::uint32_t group, Ready& ready, bool now, std::vector<ReadyChange>& changes) {
  if (now == (ready.since != 0)) return;
  const auto session = groups_[group].session;
  auto& line = lines_[line_key(session, ready.transition)];
  if (now) {
    ready.since = ++clock_;
    line.turns.push_back({group, ready.since});
    if (line.count++ == 0) changes.push_back({session, ready.transition, true});
  } else {
    ready.since = 0;
    if (--line.count == 0) {
      lines_.erase(line_key(session, ready.transition));
      changes.push_back({session, ready.transition, false});
    }
  }
}

void GroupStore::settle(std::vector<ReadyChange>& changes) {
  if (queued_.empty()) return;
  // Whatever ends only takes blockers away, so the order does not matter.
  for (std::size_t i = 0; i < queued_.size(); ++i) {
    const auto group = queued_[i];
    groups_[group].queued = false;
    if (groups_[group].id == 0) continue;
    end_gatherings(group);
    if (!groups_[group].touched) {
      groups_[group].touched = true;
      touched_.push_back(group);
    }
    if (!groups_[group].gatherings.empty()) continue;
    for (auto& ready : groups_[group].ready) set_ready(group, ready, false, changes);
    end(group);  // leaves a blank in touched_
  }
  queued_.clear();
  // In order of opening, so that what becomes ready at once is served in that order.
  std::sort(touched_.begin(), touched_.end(), [&](auto a, auto b) { return groups_[a].id < groups_[b].id; });
  for (const auto group : touched_) {
    groups_[group].touched = false;
    for (auto& ready : groups_[group].ready) set_ready(group, ready, can_fire(group, ready.transition), changes);
  }
  touched_.clear();
}

void GroupStore::forget(std::uint32_t session) {
  const auto it = session_groups_.find(session);
  if (it == session_groups_.end()) return;
  std::vector<ReadyChange> ignored;
  std::vector<std::uint32_t> all;
  for (auto group = it->second; group != kNil; group = groups_[group].next) all.push_back(group);
  std::erase_if(queued_, [&](std::uint32_t group) { return groups_[group].session == session; });
  for (const auto group : all) {
    for (auto& ready : groups_[group].ready) set_ready(group, ready, false, ignored);
    groups_[group].gatherings.clear();
  }
  for (const auto group : all) end(group);
}

std::vector<Waiting> GroupStore::waiting(std::uint32_t session) const {
  std::vector<Waiting> result;
  const auto it = session_groups_.find(session);
  if (it == session_groups_.end()) return result;
  std::vector<std::uint32_t> all;
  for (auto group = it->second; group != kNil; group = groups_[group].next) all.push_back(group);
  std::sort(all.begin(), all.end(), [&](auto a, auto b) { return groups_[a].id < groups_[b].id; });
  for (const auto group : all) {
    const auto& record = groups_[group];
    for (const auto& gathering : record.gatherings) {
      if (gathering.firing) continue;
      const auto place = net_->queues[gathering.queue].place;
      auto& wait = result.emplace_back();
      wait.group = id(group);
      wait.place = static_cast<std::int32_t>(place);
      for (const auto token : members(group, gathering.queue)) wait.members.push_back(tokens_->id(token));
      if (record.runner != kNil) wait.firings.push_back(record.runner);
      for (const auto scope : record.scopes) {
        const bool innermost = scopes_[scope].groups.back().slot == group;
        for (auto token = scopes_[scope].first_token; token != kNil; token = carriers_[token].next) {
          if (role(token, innermost, gathering.queue) != Role::kBlocker) continue;
          wait.blockers.push_back(tokens_->id(token));
          if (const auto owner = (*tokens_)[token].owner; owner != kNil) wait.firings.push_back(owner);
        }
      }
      for (const auto inner : all) {
        const auto& parents = scopes_[groups_[inner].parent].groups;
        if (std::none_of(parents.begin(), parents.end(), [&](const GroupRef& g) { return g.slot == group; })) continue;
        for (const auto& other : groups_[inner].gatherings)
          if (net_->reaches(net_->queues[other.queue].place, place))
            wait.gatherings.emplace_back(id(inner), static_cast<std::int32_t>(net_->queues[other.queue].place));
      }
    }
  }
  return result;
}

}  // namespace petricore::fleet
