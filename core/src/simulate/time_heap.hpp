// The earliest of many times that change.
#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>
#include <vector>

namespace petricore {

// An indexed heap with four children per node, of which a cache line holds all: a time for each of `size` indices,
// infinite for never. Changing one costs O(log size); nothing allocates after the constructor.
class TimeHeap {
 public:
  explicit TimeHeap(std::size_t size) : nodes_(size), position_(size) {}

  // Sets all times; build() then makes a heap of them.
  void put(std::uint32_t index, double time) {
    nodes_[index] = {time, index};
    position_[index] = index;
  }
  void build() {
    for (std::size_t i = nodes_.size(); i-- > 0;) sink(i, nodes_[i]);
  }

  // Infinite if there are no indices.
  double earliest() const noexcept { return nodes_.empty() ? std::numeric_limits<double>::infinity() : nodes_[0].time; }
  std::uint32_t first() const noexcept { return nodes_[0].index; }
  double time(std::uint32_t index) const noexcept { return nodes_[position_[index]].time; }

  void change(std::uint32_t index, double time) {
    const std::size_t at = position_[index];
    if (time < nodes_[at].time) {
      rise(at, {time, index});
    } else {
      sink(at, {time, index});
    }
  }

 private:
  struct Node {
    double time;
    std::uint32_t index;
  };

  void place(std::size_t at, Node node) {
    nodes_[at] = node;
    position_[node.index] = static_cast<std::uint32_t>(at);
  }

  void rise(std::size_t at, Node node) {
    while (at > 0) {
      const std::size_t parent = (at - 1) / 4;
      if (nodes_[parent].time <= node.time) break;
      place(at, nodes_[parent]);
      at = parent;
    }
    place(at, node);
  }

  void sink(std::size_t at, Node node) {
    for (;;) {
      const std::size_t child = 4 * at + 1;
      if (child >= nodes_.size()) break;
      std::size_t least = child;
      for (std::size_t i = child + 1; i < std::min(child + 4, nodes_.size()); ++i) {
        if (nodes_[i].time < nodes_[least].time) least = i;
      }
      if (nodes_[least].time >= node.time) break;
      place(at, nodes_[least]);
      at = least;
    }
    place(at, node);
  }

  std::vector<Node> nodes_;
  std::vector<std::uint32_t> position_;  // of each index in nodes_
};

}  // namespace petricore
