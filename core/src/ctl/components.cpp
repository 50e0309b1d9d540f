#include "petricore/components.hpp"

#include <algorithm>
#include <numeric>
#include <stdexcept>

#include "ctl/pacer.hpp"

namespace petricore {

namespace {

class Tarjan {
 public:
  Tarjan(const StateGraph& graph, std::span<const std::int32_t> transitions, std::size_t count, Components& found)
      : graph_(graph),
        transitions_(transitions),
        found_(found),
        low_(graph.states(), 0),
        fired_in_(count),
        live_(count) {
    found_.of.assign(graph.states(), Components::kNone);
    found_.stuck_at.assign(count, Components::kNone);
    std::fill(fired_in_.begin(), fired_in_.end(), Components::kNone);
    std::iota(live_.begin(), live_.end(), 0U);
  }

  // False if told to stop.
  bool from(std::uint32_t root, Pacer& pacer) {
    if (found_.of[root] != Components::kNone) return true;
    enter(root);
    while (!frames_.empty()) {
      if (pacer.due()) return false;
      Frame& frame = frames_.back();
      if (frame.next != graph_.offsets()[frame.state + 1]) {
        const std::uint32_t target = graph_.targets()[static_cast<std::size_t>(frame.next++)];
        if (found_.of[target] != Components::kNone) {
          frame.leaves = true;
        } else if (low_[target] == 0) {
          enter(target);
        } else {
          low_[frame.state] = std::min(low_[frame.state], low_[target]);
        }
        continue;
      }
      leave();
    }
    return true;
  }

 private:
  struct Frame {
    std::uint32_t state;
    std::uint32_t number;
    std::int64_t next;
    bool leaves;  // an edge leads to a component that is complete, so out of this one
  };

  void enter(std::uint32_t state) {
    low_[state] = ++counter_;
    stack_.push_back(state);
    frames_.push_back({state, counter_, graph_.offsets()[state], false});
  }

  void leave() {
    Frame done = frames_.back();
    frames_.pop_back();
    if (low_[done.state] == done.number) {
      complete(done);
      done.leaves = true;  // of whoever entered it
    } else {
      low_[frames_.back().state] = std::min(low_[frames_.back().state], low_[done.state]);
    }
    if (!frames_.empty() && done.leaves) frames_.back().leaves = true;
  }

  void complete(const Frame& root) {
    auto first = stack_.end();
    do {
      --first;
    } while (*first != root.state);
    const auto component = static_cast<std::uint32_t>(found_.terminal.size());
    std::for_each(first, stack_.end(), [&](std::uint32_t state) { found_.of[state] = component; });
    found_.terminal.push_back(!root.leaves);
    if (!root.leaves) {
      std::for_each(first, stack_.end(), [&](std::uint32_t state) { note_fired(state, component); });
      live_.erase(std::remove_if(live_.begin(), live_.end(),
                                 [&](std::uint32_t t) {
                                   if (fired_in_[t] == component) return false;
                                   found_.stuck_at[t] = root.state;
                                   return true;
                                 }),
                  live_.end());
    }
    stack_.erase(first, stack_.end());
  }

  void note_fired(std::uint32_t state, std::uint32_t component) {
    for (std::int64_t e = graph_.offsets()[state]; e < graph_.offsets()[state + 1]; ++e) {
      fired_in_[static_cast<std::size_t>(transitions_[static_cast<std::size_t>(e)])] = component;
    }
  }

  const StateGraph& graph_;
  std::span<const std::int32_t> transitions_;
  Components& found_;
  std::uint32_t counter_ = 0;
  std::vector<std::uint32_t> low_;  // 0: not yet entered
  std::vector<std::uint32_t> stack_;
  std::vector<Frame> frames_;
  std::vector<std::uint32_t> fired_in_;  // by transition: the last terminal component that fires it
  std::vector<std::uint32_t> live_;      // fired in all terminal components so far
};

}  // namespace

Components components(const StateGraph& graph, std::span<const std::int32_t> transitions, std::size_t count,
                      const Stop& stop) {
  if (graph.expanded() != graph.states()) throw std::invalid_argument("the components of a partial graph are unknown");
  const bool fits = transitions.size() == graph.targets().size() &&
                    std::all_of(transitions.begin(), transitions.end(),
                                [count](std::int32_t t) { return t >= 0 && static_cast<std::size_t>(t) < count; });
  if (!fits) throw std::invalid_argument("the transitions do not fit the edges of the graph");
  Components found;
  Tarjan tarjan(graph, transitions, count, found);
  Pacer pacer(stop);
  for (std::uint32_t root = 0; root < graph.states() && !found.stopped; ++root)
    found.stopped = !tarjan.from(root, pacer);
  return found;
}

}  // namespace petricore
