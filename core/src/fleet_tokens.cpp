#include "fleet_tokens.hpp"

namespace petricore::fleet {

std::uint32_t TokenStore::create_node(std::uint32_t token, std::uint32_t queue, std::uint32_t sibling) {
  auto node = free_node_;
  if (node != kNil) {
    free_node_ = nodes_[node].next;
  } else {
    if (nodes_.size() >= kNone) throw std::length_error("more than 2^32 queue entries");
    node = static_cast<std::uint32_t>(nodes_.size());
    nodes_.emplace_back();
  }
  nodes_[node] = {token, queue, kNil, kNil, sibling};
  return node;
}

std::uint32_t TokenStore::create(std::uint32_t session, std::uint32_t place, const std::int64_t* keys,
                                 std::uint64_t guards) {
  auto token = free_token_;
  if (token != kNil) {
    free_token_ = tokens_[token].next_held;
  } else {
    if (tokens_.size() >= kNone) throw std::length_error("more than 2^32 tokens");
    token = static_cast<std::uint32_t>(tokens_.size());
    tokens_.push_back({});
    keys_.resize(tokens_.size() * net_->key_slots);
    if (net_->has_guards) guards_.push_back(0);
  }
  auto& record = tokens_[token];
  record = {++clock_, record.generation, session, place, kNil, kNil, kNil, true};
  for (std::size_t slot = 0; slot < net_->key_slots; ++slot)
    keys_[token * net_->key_slots + slot] = keys == nullptr ? 0 : keys[slot];
  if (net_->has_guards) guards_[token] = guards;
  create_nodes(token);
  return token;
}

// One for each queue of its place that admits it, the base queue's first.
void TokenStore::create_nodes(std::uint32_t token) {
  const auto place = tokens_[token].place;
  std::uint32_t first = kNil;
  for (const auto queue : net_->extra_queues[place])
    if (net_->queues[queue].admits(guards(token))) first = create_node(token, queue, first);
  tokens_[token].first_node = create_node(token, place, first);
}

void TokenStore::destroy_nodes(std::uint32_t token) {
  for (auto node = tokens_[token].first_node; node != kNil;) {
    const auto sibling = nodes_[node].sibling;
    nodes_[node].next = free_node_;
    free_node_ = node;
    node = sibling;
  }
}

void TokenStore::set_guards(std::uint32_t token, std::uint64_t guards) {
  if (!net_->has_guards) return;
  destroy_nodes(token);
  guards_[token] = guards;
  create_nodes(token);
}

void TokenStore::destroy(std::uint32_t token) {
  destroy_nodes(token);
  auto& record = tokens_[token];
  record.alive = false;
  if (record.generation == kLastGeneration) return;
  ++record.generation;
  record.next_held = free_token_;
  free_token_ = token;
}

std::uint32_t TokenStore::find(std::int64_t id) const noexcept {
  const auto slot = slot_of(id);
  if (id < 0 || slot == kNil || slot >= tokens_.size()) return kNil;
  const auto& record = tokens_[slot];
  return record.alive && record.generation == generation_of(id) ? slot : kNil;
}

void TokenStore::append(List& list, std::uint32_t node) noexcept {
  auto& entry = nodes_[node];
  entry.prev = list.tail;
  entry.next = kNil;
  (list.tail == kNil ? list.head : nodes_[list.tail].next) = node;
  list.tail = node;
  ++list.count;
}

void TokenStore::insert(List& list, std::uint32_t node) noexcept {
  const auto age = tokens_[nodes_[node].token].age;
  if (list.tail == kNil || tokens_[nodes_[list.tail].token].age < age) return append(list, node);
  auto next = list.head;
  while (tokens_[nodes_[next].token].age < age) next = nodes_[next].next;
  auto& entry = nodes_[node];
  entry.next = next;
  entry.prev = nodes_[next].prev;
  (entry.prev == kNil ? list.head : nodes_[entry.prev].next) = node;
  nodes_[next].prev = node;
  ++list.count;
}

void TokenStore::remove(List& list, std::uint32_t node) noexcept {
  const auto& entry = nodes_[node];
  (entry.prev == kNil ? list.head : nodes_[entry.prev].next) = entry.next;
  (entry.next == kNil ? list.tail : nodes_[entry.next].prev) = entry.prev;
  --list.count;
}

}  // namespace petricore::fleet
