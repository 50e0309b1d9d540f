// Scatter and gather: scopes, groups, gatherings, and when a gathering closes.
//
// INVARIANTS (between operations, that is after settle):
// 1. A scope lists open groups only, oldest first; its last group is its innermost.
// 2. A gathering's members list holds the free tokens that its queue admits and that its group is innermost for.
// 3. gathering.blockers = carriers of the group that `role` calls blockers + unfinished gatherings of groups opened
//    inside the group from whose place this one's is reached.
// 4. A group is open while it has an unfinished gathering.
#pragma once

#include <cstdint>
#include <deque>
#include <unordered_map>
#include <vector>

#include "fleet_tokens.hpp"

namespace petricore::fleet {

struct GroupRef {
  std::uint64_t id;  // order of opening
  std::uint32_t slot;
  std::uint32_t position;  // of the scope in the group's list of scopes
};

struct Gathering {
  std::uint32_t queue = 0;
  std::uint32_t blockers = 0;
  List members;
  bool firing = false;  // claimed: its members are held by that firing
  bool served = false;  // a gather of another group took members: fires no more with []
};

// (session, transition) gained its first group to close, or lost its last.
struct ReadyChange {
  std::uint32_t session, transition;
  bool ready;
};

class GroupStore {
 public:
  GroupStore(const FleetNet& net, TokenStore& tokens) : net_(&net), tokens_(&tokens), scopes_(1), groups_(1) {}

  // Scope 0 is the empty one. A scope is counted by its tokens, firings and groups.
  std::uint32_t scope_of(std::uint32_t token) const noexcept {
    return token < carriers_.size() ? carriers_[token].scope : kNil;
  }
  void ref(std::uint32_t scope) {
    if (scope != kNil) ++scopes_[scope].refs;
  }
  void unref(std::uint32_t scope);
  std::vector<std::int64_t> groups_of(std::uint32_t scope) const;

  // A token's life: born free, taken, given back, gone.
  void born(std::uint32_t token, std::uint32_t scope);
  void set_owner(std::uint32_t token, std::uint32_t firing);
  void set_guards(std::uint32_t token, std::uint64_t guards);
  void gone(std::uint32_t token);

  // The scope of what a firing puts, counted once for the firing: the union over `consumed` without the group it
  // closes, and that group's parents.
  std::uint32_t output_scope(const std::vector<std::uint32_t>& consumed, std::uint32_t closing);

  // The group of this running firing gains the gatherings of a list put to `place`; opened first if group is kNil.
  // Stays kNil when nothing gathers that list.
  void open(std::uint32_t& group, std::uint32_t session, std::uint32_t firing, std::uint32_t parent,
            std::uint32_t place);
  std::uint32_t member_scope(std::uint32_t group) const noexcept { return groups_[group].member_scope; }
  void firing_ended(std::uint32_t group);  // the firing that opened it

  // What is saved of a group. Groups are named by their positions in the session's order of opening.
  struct Saved {
    std::vector<std::uint32_t> parents;
    std::uint32_t runner = kNil;        // a firing's slot
    std::vector<Gathering> gatherings;  // queue, firing and served count
  };

  // The open groups of a session, in order of opening.
  std::vector<std::uint32_t> groups_of_session(std::uint32_t session) const;
  const std::vector<GroupRef>& groups_in(std::uint32_t scope) const noexcept { return scopes_[scope].groups; }
  std::uint32_t parent(std::uint32_t group) const noexcept { return groups_[group].parent; }
  std::uint32_t runner(std::uint32_t group) const noexcept { return groups_[group].runner; }
  const std::vector<Gathering>& gatherings(std::uint32_t group) const noexcept { return groups_[group].gatherings; }
  // Groups that the transition may close, in the order in which it would.
  std::vector<std::uint32_t> closable(std::uint32_t session, std::uint32_t transition) const;

  // The session's groups as they were saved, with no carrier yet; the caller then lets tokens be born into them.
  // REQUIRES: the session has no groups; a group's parents come before it. Returns their slots.
  std::vector<std::uint32_t> restore(std::uint32_t session, const std::vector<Saved>& saved);
  // The scope of these groups, counted once.
  std::uint32_t scope_with(const std::vector<std::uint32_t>& groups);
  // Serves the groups of the line in this order. REQUIRES: settled; they are all that the transition may close.
  void reorder(std::uint32_t session, std::uint32_t transition, const std::vector<std::uint32_t>& groups);

  // The group that the transition would close next, or kNil.
  std::uint32_t next_to_close(std::uint32_t session, std::uint32_t transition);
  std::int64_t id(std::uint32_t group) const noexcept { return static_cast<std::int64_t>(groups_[group].id); }
  // Members for a gather arc, oldest first.
  std::vector<std::uint32_t> members(std::uint32_t group, std::uint32_t queue) const;
  void claimed(std::uint32_t group, std::uint32_t transition);
  void released(std::uint32_t group, std::uint32_t transition);
  // The gathering fired. REQUIRES: the tokens it consumed are not gone yet.
  void fired(std::uint32_t group, std::uint32_t transition, const std::vector<std::uint32_t>& consumed);

  // Ends what must end and tells what became ready to close, or no longer is.
  void settle(std::vector<ReadyChange>& changes);

  // REQUIRES: the session's tokens are gone and its firings' scopes unreferenced.
  void forget(std::uint32_t session);
  std::vector<Waiting> waiting(std::uint32_t session) const;

 private:
  enum class Role : std::uint8_t { kNeither, kMember, kBlocker };

  struct Scope {
    std::vector<GroupRef> groups;
    std::uint32_t refs = 0;
    std::uint32_t first_token = kNil;
    std::uint32_t next_free = kNil;
  };
  struct Carrier {
    std::uint32_t scope = kNil, prev = kNil, next = kNil;  // tokens of one scope
  };
  struct Ready {
    std::uint32_t transition;
    std::uint64_t since;  // 0: not ready
  };
  struct Group {
    std::uint64_t id = 0;  // 0: free slot
    std::uint32_t session = 0;
    std::uint32_t parent = kNil, member_scope = kNil;
    std::uint32_t runner = kNil;             // the firing that opened it, while it runs
    std::uint32_t prev = kNil, next = kNil;  // groups of one session; next: free list
    bool queued = false, touched = false;
    std::vector<Gathering> gatherings;
    std::vector<Ready> ready;           // transitions that gather here, ascending
    std::vector<std::uint32_t> scopes;  // that contain it
  };
  struct Turn {
    std::uint32_t group;
    std::uint64_t since;
  };
  struct Line {  // groups that a (session, transition) may close, oldest ready first; stale entries are skipped
    std::deque<Turn> turns;
    std::uint32_t count = 0;
  };

  static std::uint64_t line_key(std::uint32_t session, std::uint32_t transition) noexcept {
    return (std::uint64_t{session} << 32) | transition;
  }
  std::uint32_t intern(const std::vector<GroupRef>& groups);
  void free_scope(std::uint32_t scope);
  void detach(std::uint32_t scope, std::size_t position_in_scope);
  void forget_hash(std::uint32_t scope);
  static std::uint64_t hash(const std::vector<GroupRef>& groups) noexcept;

  Gathering* find(std::uint32_t group, std::uint32_t queue) noexcept;
  Role role(std::uint32_t token, bool innermost, std::uint32_t queue) const noexcept;
  void contribute(std::uint32_t token, bool enters);
  std::uint32_t node_in(std::uint32_t token, std::uint32_t queue) const noexcept;
  void add_gathering(std::uint32_t group, std::uint32_t queue, bool late);
  void count_existing(std::uint32_t group, Gathering& gathering);
  void shift_parents(const Group& group, std::uint32_t queue, bool begins);
  void touch(std::uint32_t group);
  bool closed(const Group& group, const Gathering& gathering) const noexcept;
  bool can_fire(std::uint32_t group, std::uint32_t transition);
  bool cannot_ever(std::uint32_t group, std::uint32_t transition);
  void end_gatherings(std::uint32_t group);
  void finish(std::uint32_t group, std::size_t at);
  void end(std::uint32_t group);
  void free_group(std::uint32_t group);
  void set_ready(std::uint32_t group, Ready& ready, bool now, std::vector<ReadyChange>& changes);

  const FleetNet* net_;
  TokenStore* tokens_;
  std::vector<Carrier> carriers_;  // by token
  std::vector<Scope> scopes_;
  std::vector<Group> groups_;
  std::uint32_t free_scope_ = kNil, free_group_ = kNil;
  std::unordered_multimap<std::uint64_t, std::uint32_t> interned_;
  std::unordered_map<std::uint32_t, std::uint32_t> session_groups_;
  std::unordered_map<std::uint64_t, Line> lines_;
  std::vector<std::uint32_t> queued_, touched_;
  std::uint64_t last_group_ = 0, clock_ = 0;
};

}  // namespace petricore::fleet
