#include "petricore/fleet.hpp"

#include <algorithm>

#include "fleet_state.hpp"

namespace petricore {
using namespace fleet;

Fleet::Fleet(const FleetSpec& spec) : state_(std::make_unique<State>(spec)) {}
Fleet::~Fleet() = default;
Fleet::Fleet(Fleet&&) noexcept = default;
Fleet& Fleet::operator=(Fleet&&) noexcept = default;

std::vector<std::int64_t> Fleet::open(std::int64_t n, std::int64_t account) { return state_->open(n, account); }
void Fleet::close(std::int64_t session) { state_->close(session); }
std::vector<std::int64_t> Fleet::put(std::int64_t session, const Emission& tokens) {
  return state_->put(session, tokens);
}
Claims Fleet::claim(std::int64_t limit) { return state_->claim(limit); }
std::int64_t Fleet::claim_exactly(std::int64_t session, std::int64_t transition,
                                  const std::vector<std::vector<std::int64_t>>& tokens) {
  return state_->claim_exactly(session, transition, tokens);
}
SavedSession Fleet::save(std::int64_t session) const { return state_->save(session); }
LoadedSession Fleet::load(std::span<const std::byte> data, std::optional<std::span<const std::int64_t>> keys,
                          std::int64_t account) {
  return state_->load(data, keys, account);
}
std::vector<std::int64_t> Fleet::emit(std::int64_t firing, const Emission& tokens) {
  return state_->emit(firing, tokens);
}
std::vector<std::int64_t> Fleet::complete(std::int64_t firing, const Emission& tokens) {
  return state_->end(firing, tokens);
}
std::vector<std::int64_t> Fleet::fail(std::int64_t firing, const Emission& tokens) {
  return state_->end(firing, tokens);
}
void Fleet::release(std::int64_t firing) { state_->release(firing); }

void Fleet::refuse(std::int64_t firing, std::span<const std::pair<std::uint32_t, std::uint64_t>> bars) {
  state_->refuse(firing, bars);
}
void Fleet::drop(std::int64_t session, std::int64_t token) { state_->drop(session, token); }
void Fleet::supply(std::int64_t place, std::int64_t n) { state_->supply(place, n); }

std::size_t Fleet::places() const noexcept { return state_->net.places; }
std::size_t Fleet::transitions() const noexcept { return state_->net.transitions; }
std::size_t Fleet::key_slots() const noexcept { return state_->net.key_slots; }

std::vector<Count> Fleet::marking(std::int64_t session) const {
  const auto slot = state_->session(session);
  std::vector<Count> counts(state_->net.places, 0);
  if (!state_->sessions[slot].block) return counts;
  const auto view = state_->block(slot);
  for (std::size_t p = 0; p < counts.size(); ++p) counts[p] = static_cast<Count>(view.lists[p].count);
  return counts;
}

std::vector<std::pair<std::int32_t, std::int64_t>> Fleet::resources() const {
  std::vector<std::pair<std::int32_t, std::int64_t>> all;
  for (std::size_t r = 0; r < state_->free_resources.size(); ++r)
    all.emplace_back(static_cast<std::int32_t>(state_->net.resource_place[r]), state_->free_resources[r]);
  return all;
}

std::vector<std::int64_t> Fleet::tokens(std::int64_t session, std::int64_t place) const {
  const auto slot = state_->session(session);
  const auto p = state_->place(place);
  std::vector<std::int64_t> ids;
  if (!state_->sessions[slot].block) return ids;
  for (auto node = state_->block(slot).lists[p].head; node != kNil; node = state_->tokens.node(node).next)
    ids.push_back(state_->tokens.id(state_->tokens.node(node).token));
  return ids;
}

std::vector<std::int64_t> Fleet::firings(std::int64_t session) const {
  std::vector<std::int64_t> ids;
  for (auto f = state_->sessions[state_->session(session)].first_firing; f != kNil; f = state_->firings[f].next)
    ids.push_back(state_->firing_id(f));
  std::reverse(ids.begin(), ids.end());
  return ids;
}

std::vector<std::int32_t> Fleet::enabled(std::int64_t session) const {
  const auto slot = state_->session(session);
  std::vector<std::int32_t> result;
  if (!state_->sessions[slot].block) return result;
  const auto view = state_->block(slot);
  for (std::size_t t = 0; t < state_->net.transitions; ++t)
    if (view.unsatisfied[t] == 0) result.push_back(static_cast<std::int32_t>(t));
  return result;
}

std::vector<Waiting> Fleet::waiting(std::int64_t session) const {
  auto all = state_->groups.waiting(state_->session(session));
  for (auto& wait : all) {
    std::sort(wait.firings.begin(), wait.firings.end());
    wait.firings.erase(std::unique(wait.firings.begin(), wait.firings.end()), wait.firings.end());
    for (auto& firing : wait.firings) firing = state_->firing_id(static_cast<std::uint32_t>(firing));
  }
  return all;
}

std::vector<std::int64_t> Fleet::scope(std::int64_t token) const {
  const auto slot = state_->tokens.find(token);
  if (slot == kNil) throw UnknownId("token " + std::to_string(token) + " is unknown or gone");
  return state_->groups.groups_of(state_->groups.scope_of(slot));
}

std::size_t Fleet::pending() const noexcept { return state_->enabled_pairs - state_->ready.stalled(); }
std::size_t Fleet::stalled() const noexcept { return state_->ready.stalled(); }
std::size_t Fleet::sessions() const noexcept { return state_->open_sessions; }
std::size_t Fleet::session_bytes() const noexcept { return sizeof(Session) + state_->block_bytes(); }
std::size_t Fleet::token_bytes() const noexcept { return state_->tokens.bytes() + (state_->net.has_gathers ? 12 : 0); }

}  // namespace petricore
