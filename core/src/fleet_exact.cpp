// Claims of given tokens: what replays a journal.
#include <algorithm>

#include "fleet_state.hpp"

namespace petricore {
using namespace fleet;

namespace {
[[noreturn]] void refuse_claim(std::uint32_t transition, const std::string& why) {
  throw std::invalid_argument("transition " + std::to_string(transition) + ": " + why);
}
}  // namespace

// What the firing's end gives back is taken, whether it is there or not.
void Fleet::State::overdraw(std::uint32_t transition) {
  for (const auto& amount : net.returns[transition]) free_resources[amount.resource] -= amount.tokens;
}

void Fleet::State::refuse_twice(std::uint32_t transition, std::vector<std::uint32_t> given) const {
  std::sort(given.begin(), given.end());
  if (const auto twice = std::adjacent_find(given.begin(), given.end()); twice != given.end())
    refuse_claim(transition, "token " + std::to_string(tokens.id(*twice)) + " is named twice");
}

// Throws unless the firing may have taken these tokens. Sets the key that they share, and the group they close.
void Fleet::State::check_exact(std::uint32_t slot, std::uint32_t transition,
                               const std::vector<std::vector<std::uint32_t>>& given, std::int64_t& key,
                               std::uint32_t& closing) const {
  const auto arcs = net.inputs[transition];
  if (given.size() != arcs.size())
    refuse_claim(transition,
                 std::to_string(given.size()) + " lists of tokens for " + std::to_string(arcs.size()) + " input arcs");
  bool keyed = false;
  std::vector<std::uint32_t> taken;
  for (std::size_t j = 0; j < arcs.size(); ++j) {
    const auto& arc = arcs[j];
    const auto& queue = net.queues[arc.queue];
    const auto name = [&](std::uint32_t token) { return "token " + std::to_string(tokens.id(token)); };
    for (const auto token : given[j]) {
      const auto& record = tokens[token];
      if (record.session != slot || record.place != arc.place || record.owner != kNil)
        refuse_claim(transition, name(token) + " is not free in place " + std::to_string(arc.place));
      if (!queue.admits(tokens.guards(token)))
        refuse_claim(transition, name(token) + " is not admitted by the guard of arc " + std::to_string(j));
      if (queue.kind == QueueKind::kKeyed) {
        const auto own = tokens.key(token, static_cast<std::size_t>(queue.key_slot));
        if (keyed && own != key)
          refuse_claim(transition,
                       name(token) + " has the key " + std::to_string(own) + ", not " + std::to_string(key));
        key = own;
        keyed = true;
      }
      if (arc.mode != ArcMode::kRead) taken.push_back(token);
    }
    if (arc.mode == ArcMode::kRead) refuse_twice(transition, given[j]);
    const auto n = static_cast<Count>(given[j].size());
    if ((arc.mode == ArcMode::kTake || arc.mode == ArcMode::kRead) && n != arc.weight)
      refuse_claim(transition, "arc " + std::to_string(j) + " takes " + std::to_string(arc.weight) + " tokens, not " +
                                   std::to_string(n));
    if (arc.mode == ArcMode::kDrain && static_cast<std::uint32_t>(n) != block(slot).lists[queue.slot].count)
      refuse_claim(transition, "arc " + std::to_string(j) + " takes all " +
                                   std::to_string(block(slot).lists[queue.slot].count) + " tokens, not " +
                                   std::to_string(n));
  }
  refuse_twice(transition, taken);
  if (net.gathers[transition].empty()) return;
  const auto older = [&](std::uint32_t a, std::uint32_t b) { return tokens[a].age < tokens[b].age; };
  for (const auto group : groups.closable(slot, transition)) {
    bool same = true;
    for (std::size_t j = 0; j < arcs.size() && same; ++j) {
      if (arcs[j].mode != ArcMode::kGather) continue;
      auto members = given[j];
      std::sort(members.begin(), members.end(), older);
      same = members == groups.members(group, arcs[j].queue);
    }
    if (!same) continue;
    closing = group;
    return;
  }
  refuse_claim(transition, "the tokens of its gather are not the members of a closed group");
}

std::int64_t Fleet::State::claim_exactly(std::int64_t id, std::int64_t number,
                                         const std::vector<std::vector<std::int64_t>>& given) {
  const auto slot = session(id);
  if (number < 0 || static_cast<std::uint64_t>(number) >= net.transitions)
    throw std::invalid_argument("transition " + std::to_string(number) + " is not in 0.." +
                                std::to_string(static_cast<std::int64_t>(net.transitions) - 1));
  const auto transition = static_cast<std::uint32_t>(number);
  if (!sessions[slot].block || block(slot).ages[transition] == 0)
    refuse_claim(transition, "it is not enabled in session " + std::to_string(id));
  std::vector<std::vector<std::uint32_t>> chosen(given.size());
  for (std::size_t j = 0; j < given.size(); ++j)
    for (const auto token_id : given[j]) {
      const auto token = tokens.find(token_id);
      if (token == kNil) throw UnknownId("token " + std::to_string(token_id) + " is unknown or gone");
      chosen[j].push_back(token);
    }
  std::int64_t key = 0;
  std::uint32_t closing = kNil;
  check_exact(slot, transition, chosen, key, closing);

  const auto firing = begin_firing(slot, transition);
  firings[firing].closing = closing;
  retire(slot, transition);
  dirty_.push_back(transition);
  consumed_.clear();
  const auto arcs = net.inputs[transition];
  for (std::size_t j = 0; j < arcs.size(); ++j)
    if (arcs[j].mode != ArcMode::kRead) consumed_.insert(consumed_.end(), chosen[j].begin(), chosen[j].end());
  if (net.keyed_watchers[transition] != 0) requeue_key(slot, transition, key);
  hold_tokens(firing);
  overdraw(transition);
  settle(slot);
  return firing_id(firing);
}

}  // namespace petricore
