// The tokens of all sessions: fixed records in a pool, and the lists (queues) that they stand in.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "fleet_net.hpp"

namespace petricore::fleet {

// Pool indices are 1-based: 0 is nil, so that a zeroed block is an empty session.
inline constexpr std::uint32_t kNil = 0;

// An id is (generation, slot): the lookup is an index, and a reused slot never answers to an old id.
constexpr std::int64_t make_id(std::uint32_t generation, std::uint32_t slot) noexcept {
  return static_cast<std::int64_t>((std::uint64_t{generation} << 32) | slot);
}
constexpr std::uint32_t slot_of(std::int64_t id) noexcept { return static_cast<std::uint32_t>(id & 0xffffffff); }
constexpr std::uint32_t generation_of(std::int64_t id) noexcept {
  return static_cast<std::uint32_t>(static_cast<std::uint64_t>(id) >> 32);
}
// Generations stay below 2^31: ids are never negative. A slot that used them up is retired.
inline constexpr std::uint32_t kLastGeneration = 0x7fffffff;

struct List {
  std::uint32_t head = kNil, tail = kNil, count = 0;
};

// A token's entry in one queue.
struct Node {
  std::uint32_t token, queue, prev, next;
  std::uint32_t sibling;  // the token's next node
};

struct Token {
  std::uint64_t age;  // order of arrival over all sessions
  std::uint32_t generation, session, place;
  std::uint32_t owner;       // the firing that holds it, or kNil: free
  std::uint32_t first_node;  // its base queue's node
  std::uint32_t next_held;   // of the same firing, in claim order
  bool alive;
};

class TokenStore {
 public:
  explicit TokenStore(const FleetNet& net)
      : net_(&net), tokens_(1), nodes_(1), keys_(net.key_slots), guards_(net.has_guards) {}

  // A new free token with a node for each queue of its place that admits it; it stands in no list yet.
  std::uint32_t create(std::uint32_t session, std::uint32_t place, const std::int64_t* keys, std::uint64_t guards);
  void destroy(std::uint32_t token);

  // Gives a token other guard bits and the nodes that go with them. REQUIRES: it stands in no list.
  void set_guards(std::uint32_t token, std::uint64_t guards);

  // The living token with this id, or kNil.
  std::uint32_t find(std::int64_t id) const noexcept;
  std::int64_t id(std::uint32_t token) const noexcept { return make_id(tokens_[token].generation, token); }

  Token& operator[](std::uint32_t token) noexcept { return tokens_[token]; }
  const Token& operator[](std::uint32_t token) const noexcept { return tokens_[token]; }
  Node& node(std::uint32_t node) noexcept { return nodes_[node]; }
  const Node& node(std::uint32_t node) const noexcept { return nodes_[node]; }
  std::int64_t key(std::uint32_t token, std::size_t slot) const noexcept {
    return keys_[token * net_->key_slots + slot];
  }
  std::uint64_t guards(std::uint32_t token) const noexcept { return net_->has_guards ? guards_[token] : 0; }

  // Of one token with a node in its base queue only.
  std::size_t bytes() const noexcept {
    return sizeof(Token) + sizeof(Node) + net_->key_slots * sizeof(std::int64_t) +
           (net_->has_guards ? sizeof(std::uint64_t) : 0);
  }

  void append(List& list, std::uint32_t node) noexcept;
  // By age. Cost: the number of older tokens in the list; what a firing gives back is old.
  void insert(List& list, std::uint32_t node) noexcept;
  void remove(List& list, std::uint32_t node) noexcept;

 private:
  std::uint32_t create_node(std::uint32_t token, std::uint32_t queue, std::uint32_t sibling);
  void create_nodes(std::uint32_t token);
  void destroy_nodes(std::uint32_t token);

  const FleetNet* net_;
  std::vector<Token> tokens_;
  std::vector<Node> nodes_;
  std::vector<std::int64_t> keys_;     // key_slots a token
  std::vector<std::uint64_t> guards_;  // one a token, if any arc has a guard
  std::uint32_t free_token_ = kNil, free_node_ = kNil;
  std::uint64_t clock_ = 0;
};

}  // namespace petricore::fleet
