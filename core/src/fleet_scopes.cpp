// The scopes of GroupStore: interned, counted sets of open groups.
#include <algorithm>

#include "fleet_groups.hpp"

namespace petricore::fleet {

std::uint64_t GroupStore::hash(const std::vector<GroupRef>& groups) noexcept {
  std::uint64_t h = 0x9e3779b97f4a7c15u;
  for (const auto& group : groups) h = (h ^ group.id) * 0xff51afd7ed558ccdu + (h >> 29);
  return h;
}

void GroupStore::unref(std::uint32_t scope) {
  if (scope != kNil && --scopes_[scope].refs == 0) free_scope(scope);
}

std::vector<std::int64_t> GroupStore::groups_of(std::uint32_t scope) const {
  std::vector<std::int64_t> ids;
  for (const auto& group : scopes_[scope].groups) ids.push_back(static_cast<std::int64_t>(group.id));
  return ids;
}

// The scope with these groups; the caller counts it. Scopes that lost an ended group may have a twin: that costs
// memory, not meaning.
std::uint32_t GroupStore::intern(const std::vector<GroupRef>& groups) {
  if (groups.empty()) return kNil;
  const auto key = hash(groups);
  const auto same_id = [](const GroupRef& a, const GroupRef& b) { return a.id == b.id; };
  for (auto [it, last] = interned_.equal_range(key); it != last; ++it) {
    const auto& known = scopes_[it->second].groups;
    if (std::equal(known.begin(), known.end(), groups.begin(), groups.end(), same_id)) return it->second;
  }
  auto scope = free_scope_;
  if (scope != kNil) {
    free_scope_ = scopes_[scope].next_free;
  } else {
    scope = static_cast<std::uint32_t>(scopes_.size());
    scopes_.emplace_back();
  }
  auto& record = scopes_[scope];
  record.groups = groups;
  record.refs = 0;
  record.first_token = kNil;
  for (auto& group : record.groups) {
    auto& in = groups_[group.slot].scopes;
    group.position = static_cast<std::uint32_t>(in.size());
    in.push_back(scope);
  }
  interned_.emplace(key, scope);
  return scope;
}

void GroupStore::forget_hash(std::uint32_t scope) {
  for (auto [it, last] = interned_.equal_range(hash(scopes_[scope].groups)); it != last; ++it)
    if (it->second == scope) {
      interned_.erase(it);
      return;
    }
}

// Takes the scope out of the list of the group at this position of it; the group's last scope fills the gap.
void GroupStore::detach(std::uint32_t scope, std::size_t position_in_scope) {
  const auto group = scopes_[scope].groups[position_in_scope];
  auto& in = groups_[group.slot].scopes;
  const auto moved = in.back();
  in[group.position] = moved;
  in.pop_back();
  if (moved == scope) return;
  for (auto& entry : scopes_[moved].groups)
    if (entry.slot == group.slot) entry.position = group.position;
}

void GroupStore::free_scope(std::uint32_t scope) {
  if (!scopes_[scope].groups.empty()) forget_hash(scope);
  for (std::size_t i = 0; i < scopes_[scope].groups.size(); ++i) detach(scope, i);
  scopes_[scope].groups.clear();
  scopes_[scope].next_free = free_scope_;
  free_scope_ = scope;
}

std::uint32_t GroupStore::output_scope(const std::vector<std::uint32_t>& consumed, std::uint32_t closing) {
  const auto first = consumed.empty() ? kNil : scope_of(consumed.front());
  const bool same = std::all_of(consumed.begin(), consumed.end(), [&](auto token) { return scope_of(token) == first; });
  if (closing == kNil && same) {
    ref(first);
    return first;
  }
  if (closing != kNil && same && (consumed.empty() || first == groups_[closing].member_scope)) {
    ref(groups_[closing].parent);
    return groups_[closing].parent;
  }
  std::vector<GroupRef> all;
  std::uint32_t last = kNil;
  const auto add = [&](std::uint32_t scope) {
    if (scope == kNil || scope == last) return;
    last = scope;
    all.insert(all.end(), scopes_[scope].groups.begin(), scopes_[scope].groups.end());
  };
  for (const auto token : consumed) add(scope_of(token));
  if (closing != kNil) {
    add(groups_[closing].parent);
    std::erase_if(all, [&](const GroupRef& group) { return group.slot == closing; });
  }
  std::sort(all.begin(), all.end(), [](const GroupRef& a, const GroupRef& b) { return a.id < b.id; });
  all.erase(std::unique(all.begin(), all.end(), [](const GroupRef& a, const GroupRef& b) { return a.id == b.id; }),
            all.end());
  const auto scope = intern(all);
  ref(scope);
  return scope;
}

}  // namespace petricore::fleet
