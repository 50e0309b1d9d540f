#include "petricore/reduce.hpp"

#include <algorithm>
#include <stdexcept>
#include <string>

#include "reduce/working_net.hpp"

namespace petricore {
namespace {

constexpr std::size_t kLongestPath = 100'000'000;
constexpr std::uint64_t kSaturated = UINT64_MAX / 2;

}  // namespace

std::string_view name_of(ReductionRule rule) noexcept {
  static constexpr std::array<std::string_view, kReductionRules> kNames{
      "dead transitions",         "places never lacking", "parallel places", "dominated transitions",
      "transitions without gain", "always enabled",       "sources",         "pre-agglomeration",
      "post-agglomeration",       "cone of influence"};
  return kNames[static_cast<std::size_t>(rule)];
}

std::uint32_t Stories::atom(std::uint32_t transition) {
  parts_.push_back({{transition, 0}});
  lengths_.push_back(1);
  return static_cast<std::uint32_t>(parts_.size() - 1);
}

std::uint32_t Stories::sequence(std::vector<Part> parts) {
  std::uint64_t total = 0;
  for (const auto& [story, times] : parts) {
    const std::uint64_t each = lengths_[story];
    total = times != 0 && each > kSaturated / times ? kSaturated : std::min(kSaturated, total + each * times);
  }
  parts_.push_back(std::move(parts));
  lengths_.push_back(total);
  return static_cast<std::uint32_t>(parts_.size() - 1);
}

void Stories::append_to(std::vector<std::uint32_t>& path, std::uint32_t story) const {
  if (lengths_[story] > kLongestPath - std::min(kLongestPath, path.size())) {
    throw std::length_error("the path is longer than " + std::to_string(kLongestPath) + " firings");
  }
  std::vector<Part> pending{{story, 1}};
  while (!pending.empty()) {
    auto& [next, times] = pending.back();
    const std::uint32_t at = next;
    if (--times == 0) pending.pop_back();
    const auto& parts = parts_[at];
    if (parts.size() == 1 && parts.front().second == 0) {
      path.push_back(parts.front().first);
      continue;
    }
    for (std::size_t i = parts.size(); i-- > 0;) {
      if (parts[i].second != 0) pending.push_back(parts[i]);
    }
  }
}

std::vector<std::uint32_t> Reduction::lift(const Net& whole, std::span<const std::uint32_t> path) const {
  std::vector<std::uint32_t> lifted;
  for (const std::uint32_t story : prefix) stories.append_to(lifted, story);
  for (const std::uint32_t t : path) {
    if (t >= stories_of.size()) throw std::invalid_argument("there is no transition " + std::to_string(t));
    stories.append_to(lifted, stories_of[t]);
  }
  if (completions.empty()) return lifted;
  std::vector<std::int64_t> marking(whole.spec().initial.begin(), whole.spec().initial.end());
  std::size_t fired = 0;
  const auto fire = [&] {
    for (; fired < lifted.size(); ++fired) {
      for (const Link& link : whole.links(lifted[fired])) {
        std::int64_t& tokens = marking[link.place];
        tokens = link.resets ? link.output : tokens + link.delta();
      }
    }
  };
  fire();
  for (const Completion& completion : completions) {
    const auto there = [&](const Arc& arc) { return marking[arc.place] >= arc.weight; };
    while (std::ranges::all_of(completion.inputs, there)) {
      stories.append_to(lifted, completion.story);
      fire();
    }
  }
  return lifted;
}

Reduction reduce(const Net& net, const ReductionOptions& options) {
  using namespace reduction;  // NOLINT(google-build-using-namespace): the rules, one after the other
  WorkingNet working(net, options);
  bool changed = true;
  while (changed && !working.stopped()) {
    changed = false;
    for (const auto rule : {remove_dead, remove_idle_places, cut_to_cone, remove_without_gain, remove_dominated,
                            remove_parallel_places, remove_sources, agglomerate}) {
      if (working.stopped()) break;
      changed = rule(working) || changed;
    }
  }
  return working.finish();
}

}  // namespace petricore
