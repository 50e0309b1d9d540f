// The groups of one session out of GroupStore and back.
#include <algorithm>

#include "fleet_groups.hpp"

namespace petricore::fleet {

std::vector<std::uint32_t> GroupStore::groups_of_session(std::uint32_t session) const {
  std::vector<std::uint32_t> all;
  const auto it = session_groups_.find(session);
  if (it == session_groups_.end()) return all;
  for (auto group = it->second; group != kNil; group = groups_[group].next) all.push_back(group);
  std::sort(all.begin(), all.end(), [&](auto a, auto b) { return groups_[a].id < groups_[b].id; });
  return all;
}

std::vector<std::uint32_t> GroupStore::closable(std::uint32_t session, std::uint32_t transition) const {
  std::vector<std::uint32_t> all;
  const auto it = lines_.find(line_key(session, transition));
  if (it == lines_.end()) return all;
  for (const auto& turn : it->second.turns)
    for (const auto& ready : groups_[turn.group].ready)
      if (ready.transition == transition && ready.since == turn.since) all.push_back(turn.group);
  return all;
}

std::uint32_t GroupStore::scope_with(const std::vector<std::uint32_t>& groups) {
  std::vector<GroupRef> refs;
  refs.reserve(groups.size());
  for (const auto group : groups) refs.push_back({groups_[group].id, group, 0});
  const auto scope = intern(refs);
  ref(scope);
  return scope;
}

std::vector<std::uint32_t> GroupStore::restore(std::uint32_t session, const std::vector<Saved>& saved) {
  std::vector<std::uint32_t> slots;
  for (const auto& one : saved) {
    std::vector<std::uint32_t> parents;
    for (const auto position : one.parents) parents.push_back(slots[position]);
    auto group = free_group_;
    if (group != kNil) {
      free_group_ = groups_[group].next;
    } else {
      group = static_cast<std::uint32_t>(groups_.size());
      groups_.emplace_back();
    }
    slots.push_back(group);
    groups_[group].id = ++last_group_;
    groups_[group].session = session;
    groups_[group].runner = one.runner;
    const auto parent = scope_with(parents);
    groups_[group].parent = parent;
    parents.push_back(group);
    const auto member_scope = scope_with(parents);
    groups_[group].member_scope = member_scope;
    auto& head = session_groups_[session];
    groups_[group].prev = kNil;
    groups_[group].next = head;
    if (head != kNil) groups_[head].prev = group;
    head = group;
    for (const auto& gathering : one.gatherings) {
      add_gathering(group, gathering.queue, false);
      groups_[group].gatherings.back().firing = gathering.firing;
      groups_[group].gatherings.back().served = gathering.served;
    }
    touch(group);
  }
  return slots;
}

void GroupStore::reorder(std::uint32_t session, std::uint32_t transition, const std::vector<std::uint32_t>& groups) {
  const auto it = lines_.find(line_key(session, transition));
  if (it == lines_.end()) return;
  it->second.turns.clear();
  for (const auto group : groups)
    for (auto& ready : groups_[group].ready) {
      if (ready.transition != transition || ready.since == 0) continue;
      ready.since = ++clock_;
      it->second.turns.push_back({group, ready.since});
    }
}

}  // namespace petricore::fleet
