// Agglomerations: a place between its producers H and consumers F goes, and each pair becomes one transition.
//
// Berthelot 1987, 10.1007/978-3-540-47919-2_13; with weights and beside stubborn sets: Boenneland, Dyhr, Jensen,
// Johannsen, Srba 2019, 10.1016/j.jlamp.2018.09.002; Thierry-Mieg 2020, 10.1007/978-3-030-51831-8_15. The conditions:
//
// Both: the place p is free, H and F are disjoint. Either all arcs at p have weight 1 or there is only one on the side
// that is repeated.
// Post, for both goals: each f in F needs nothing but p, and puts tokens on nothing visible or special. So f may fire
// as soon as h has fired, which only puts tokens earlier where they are wanted; and p marked is no deadlock.
// Pre: p is empty, and each h in H puts tokens on p alone and takes them from nothing visible or special. So h may
// wait until f needs it, which only leaves tokens longer where they are; an h without its f is left out. For deadlocks
// nobody else may consume what h needs, for it would be enabled where h waits; and h fires at the end what it can.
#include <algorithm>

#include "reduce/working_net.hpp"

namespace petricore::reduction {
namespace {

constexpr std::int64_t kMostRepeated = 32;
constexpr std::size_t kMostArcs = 512;

// First t, then u. Need of both together: what u needs beyond what t leaves there.
std::optional<std::vector<WorkingArc>> in_turn(const std::vector<WorkingArc>& t, const std::vector<WorkingArc>& u) {
  std::vector<WorkingArc> arcs;
  std::size_t i = 0, j = 0;
  while (i < t.size() || j < u.size()) {
    if (j == u.size() || (i < t.size() && t[i].place < u[j].place)) {
      arcs.push_back(t[i++]);
    } else if (i == t.size() || u[j].place < t[i].place) {
      arcs.push_back(u[j++]);
    } else {
      const WorkingArc both{t[i].place, std::max(t[i].need, u[j].need - t[i].change), t[i].change + u[j].change};
      if (both.need != 0 || both.change != 0) arcs.push_back(both);
      ++i, ++j;
    }
    if (!arcs.empty() && (arcs.back().need > kMostWeight || arcs.back().need + arcs.back().change > kMostWeight)) {
      return std::nullopt;
    }
  }
  if (arcs.size() > kMostArcs) return std::nullopt;
  return arcs;
}

std::optional<std::vector<WorkingArc>> repeated(const std::vector<WorkingArc>& t, std::int64_t times) {
  std::optional<std::vector<WorkingArc>> all = t;
  for (std::int64_t i = 1; i < times && all; ++i) all = in_turn(*all, t);
  return all;
}

class Agglomeration {
 public:
  Agglomeration(WorkingNet& net, std::uint32_t place) : net_(net), place_(place) {}

  bool apply() {
    if (!net_.places[place_].is_free() || !split()) return false;
    if (is_post()) return merge(ReductionRule::kPost);
    if (is_pre()) return merge(ReductionRule::kPre);
    return false;
  }

 private:
  const WorkingTransition& at(std::uint32_t t) const { return net_.transitions[t]; }
  std::int64_t put(std::uint32_t h) const { return at(h).arc(place_)->change; }
  std::int64_t taken(std::uint32_t f) const { return at(f).arc(place_)->need; }

  // False if somebody both produces and needs tokens, a side is empty, or the pairs are more than what they replace.
  bool split() {
    for (const std::uint32_t t : net_.around(place_)) {
      const WorkingArc& arc = *at(t).arc(place_);
      if (arc.need == 0) {
        producers_.push_back(t);
      } else if (arc.need + arc.change == 0) {
        consumers_.push_back(t);
      } else {
        return false;
      }
      if (at(t).visible || (producers_.size() > 2 && consumers_.size() > 2)) return false;
    }
    return !producers_.empty() && !consumers_.empty() &&
           producers_.size() * consumers_.size() <= producers_.size() + consumers_.size();
  }

  bool is_post() const {
    const std::int64_t weight = taken(consumers_.front());
    const bool alone = consumers_.size() == 1;
    if (!alone && net_.places[place_].tokens != 0) return false;
    for (const std::uint32_t f : consumers_) {
      if (at(f).guard != kNone || (!alone && taken(f) != 1)) return false;
      for (const WorkingArc& arc : at(f).arcs) {
        if (arc.place == place_) continue;
        if (arc.need > 0 || net_.places[arc.place].visible || net_.places[arc.place].special) return false;
      }
    }
    return std::ranges::all_of(producers_, [&](std::uint32_t h) {
      return alone ? put(h) % weight == 0 && put(h) / weight <= kMostRepeated : put(h) == 1;
    });
  }

  bool is_pre() {
    if (net_.places[place_].tokens != 0) return false;
    const std::int64_t weight = put(producers_.front());
    const bool alone = producers_.size() == 1;
    for (const std::uint32_t h : producers_) {
      if (at(h).guard != kNone || (!alone && put(h) != 1)) return false;
      bool takes = false;
      for (const WorkingArc& arc : at(h).arcs) {
        if (arc.place == place_) continue;
        if (arc.need + arc.change > 0 || !net_.places[arc.place].is_free()) return false;
        takes = true;
        if (net_.for_deadlock() && !is_only_need_of(arc.place, h)) return false;
      }
      if (net_.for_deadlock() && !takes) return false;
    }
    return std::ranges::all_of(consumers_, [&](std::uint32_t f) {
      return alone ? taken(f) % weight == 0 && taken(f) / weight <= kMostRepeated : taken(f) == 1;
    });
  }

  bool is_only_need_of(std::uint32_t place, std::uint32_t h) {
    for (const std::uint32_t t : net_.around(place)) {
      if (t != h && at(t).arc(place)->need > 0) return false;
    }
    return true;
  }

  bool merge(ReductionRule rule) {
    const bool post = rule == ReductionRule::kPost;
    std::vector<WorkingTransition> merged;
    for (const std::uint32_t h : producers_) {
      for (const std::uint32_t f : consumers_) {
        const std::int64_t of_h = post ? 1 : taken(f) / put(h);
        const std::int64_t of_f = post ? put(h) / taken(f) : 1;
        const auto first = repeated(at(h).arcs, of_h);
        const auto then = repeated(at(f).arcs, of_f);
        if (!first || !then) return false;
        auto arcs = in_turn(*first, *then);
        if (!arcs) return false;
        WorkingTransition both;
        both.arcs = std::move(*arcs);
        both.guard = post ? at(h).guard : at(f).guard;
        both.story = net_.stories().sequence(
            {{at(h).story, static_cast<std::uint32_t>(of_h)}, {at(f).story, static_cast<std::uint32_t>(of_f)}});
        if (net_.stories().length(both.story) > kLongestStory) return false;
        merged.push_back(std::move(both));
      }
    }
    if (post && !empty_place()) return false;
    if (!post && net_.for_deadlock()) remember_completions();
    for (const std::uint32_t h : producers_) net_.remove_transition(h);
    for (const std::uint32_t f : consumers_) net_.remove_transition(f);
    net_.remove_place(place_);
    for (WorkingTransition& transition : merged) net_.add_transition(std::move(transition));
    net_.count(rule);
    return true;
  }

  // The only consumer fires before everything else.
  bool empty_place() {
    const WorkingTransition& f = at(consumers_.front());
    const std::int64_t times = net_.places[place_].tokens / taken(consumers_.front());
    if (times == 0) return true;
    if (net_.stories().length(f.story) > kLongestStory / static_cast<std::uint64_t>(times)) return false;
    for (const WorkingArc& arc : f.arcs) {
      if (arc.place != place_ && net_.places[arc.place].tokens + times * arc.change > kMostWeight) return false;
    }
    for (const WorkingArc& arc : f.arcs) net_.places[arc.place].tokens += times * arc.change;
    net_.prefix().push_back(net_.stories().sequence({{f.story, static_cast<std::uint32_t>(times)}}));
    return true;
  }

  void remember_completions() {
    for (const std::uint32_t h : producers_) {
      Reduction::Completion completion{{}, at(h).story};
      for (const WorkingArc& arc : at(h).arcs) {
        if (arc.need > 0) completion.inputs.push_back({arc.place, static_cast<Count>(arc.need)});
      }
      net_.completions().push_back(std::move(completion));
    }
  }

  WorkingNet& net_;
  std::uint32_t place_;
  std::vector<std::uint32_t> producers_, consumers_;
};

}  // namespace

bool agglomerate(WorkingNet& net) {
  bool changed = false;
  for (std::uint32_t p = 0; p < net.places.size() && !net.stopped(); ++p) {
    if (net.places[p].alive && Agglomeration(net, p).apply()) changed = true;
  }
  return changed;
}

}  // namespace petricore::reduction
