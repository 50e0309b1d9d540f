#include "petricore/timing.hpp"

#include <algorithm>
#include <cmath>
#include <stdexcept>
#include <string>

#include "simulate/propensity.hpp"

namespace petricore {
namespace {

constexpr std::size_t kMostDependencies = std::size_t{1} << 28;  // a gigabyte

[[noreturn]] void refuse(std::size_t t, const std::string& what) {
  throw std::invalid_argument("transition " + std::to_string(t) + " " + what);
}

bool sound(const Delay& delay) {
  const auto& [family, a, b, c, samples] = delay;
  if (!std::isfinite(a) || !std::isfinite(b) || !std::isfinite(c)) return false;
  switch (family) {
    case Family::kDeterministic:
      return a >= 0;
    case Family::kUniform:
      return 0 <= a && a <= b;
    case Family::kErlang:
      return a >= 1 && a == std::floor(a) && b > 0;
    case Family::kLognormal:
      return b >= 0;
    case Family::kWeibull:
      return a > 0 && b > 0;
    case Family::kTriangular:
      return 0 <= a && a <= c && c <= b;
    case Family::kEmpirical:
      return !samples.empty() &&
             std::ranges::all_of(samples, [](double sample) { return std::isfinite(sample) && sample >= 0; });
  }
  return false;
}

// Whether some marking bounds how often t fires at once.
bool is_bounded(const Net& net, std::size_t t) {
  return std::ranges::any_of(net.links(t), [](const Link& link) {
    return link.input > 0 || (!link.resets && link.output > 0 && link.most < kMaxTokens) ||
           (link.resets && !link.admits(link.output));
  });
}

void check(const Net& net, const TimingSpec& spec) {
  if (spec.transitions.size() != net.transitions()) throw std::invalid_argument("one timing per transition is needed");
  for (std::size_t t = 0; t < net.transitions(); ++t) {
    const TransitionTiming& timing = spec.transitions[t];
    if (!std::isfinite(timing.rate) || timing.rate < 0) refuse(t, "has the rate " + std::to_string(timing.rate));
    if (!std::isfinite(timing.weight) || timing.weight <= 0)
      refuse(t, "has the weight " + std::to_string(timing.weight));
    if (timing.servers < 1) refuse(t, "has " + std::to_string(timing.servers) + " servers");
    if (timing.timing == Timing::kGeneral) {
      if (timing.delay >= spec.delays.size()) refuse(t, "names a delay that is not there");
      if (!sound(spec.delays[timing.delay])) refuse(t, "has a delay whose parameters are out of range");
    }
    const bool exponential = timing.timing == Timing::kExponential;
    if (exponential && timing.law == RateLaw::kExpression && timing.expression >= spec.expressions.size())
      refuse(t, "names an expression that is not there");
    const bool serves = timing.timing == Timing::kGeneral || (exponential && timing.law == RateLaw::kServers);
    if (serves && timing.servers == TransitionTiming::kInfiniteServers && !is_bounded(net, t))
      refuse(t, "has infinitely many servers and nothing that bounds how many are busy");
  }
  for (const Expression& expression : spec.expressions) {
    if (!expression.places().empty() && expression.places().back() >= net.places())
      throw std::invalid_argument("an expression names a place that is not there");
  }
}

// Whether the count of the place says anything about t's enabling, its degree, or a rate by mass action.
bool depends(const Link& link) { return link.least > 0 || link.most < kMaxTokens || link.input > 0; }

// For each place the transitions that look at it, ascending.
Csr<std::uint32_t> watchers(const Net& net, const TimingSpec& spec) {
  std::vector<std::vector<std::uint32_t>> rows(net.places());
  for (std::uint32_t t = 0; t < net.transitions(); ++t) {
    const auto watch = [&](std::uint32_t place) {
      if (rows[place].empty() || rows[place].back() != t) rows[place].push_back(t);
    };
    for (const Link& link : net.links(t)) {
      if (depends(link)) watch(link.place);
    }
    const TransitionTiming& timing = spec.transitions[t];
    if (timing.timing == Timing::kExponential && timing.law == RateLaw::kExpression) {
      for (const std::uint32_t place : spec.expressions[timing.expression].places()) watch(place);
    }
  }
  return Csr<std::uint32_t>::from_rows(rows);
}

Csr<std::uint32_t> dependencies(const Net& net, const TimingSpec& spec) {
  const Csr<std::uint32_t> watching = watchers(net, spec);
  std::vector<std::uint32_t> offsets{0}, items;
  std::vector<std::size_t> seen(net.transitions(), net.transitions());
  for (std::size_t t = 0; t < net.transitions(); ++t) {
    const std::size_t first = items.size();
    for (const Link& link : net.links(t)) {
      if (!link.resets && link.delta() == 0) continue;
      for (const std::uint32_t u : watching[link.place]) {
        if (seen[u] != t) items.push_back(u);
        seen[u] = t;
      }
    }
    std::sort(items.begin() + static_cast<std::ptrdiff_t>(first), items.end());
    if (items.size() > kMostDependencies)
      throw std::invalid_argument("more than 2^28 pairs of transitions change each other's rates");
    offsets.push_back(static_cast<std::uint32_t>(items.size()));
  }
  return {std::move(offsets), std::move(items)};
}

}  // namespace

TimedNet::TimedNet(const Net& net, TimingSpec spec) : net_(net), spec_(std::move(spec)) {
  check(net_, spec_);
  affected_ = dependencies(net_, spec_);
  for (const Expression& expression : spec_.expressions)
    registers_ = std::max(registers_, expression.instructions().size());
  for (const TransitionTiming& timing : spec_.transitions) {
    has_immediate_ |= timing.timing == Timing::kImmediate;
    has_general_ |= timing.timing == Timing::kGeneral;
  }
}

Count TimedNet::busy_servers(std::size_t t, const Count* marking) const noexcept {
  if (!net_.is_enabled(t, marking)) return 0;
  Count busy = spec_.transitions[t].servers;
  for (const Link& link : net_.links(t)) busy = std::min(busy, firings_through(link, marking[link.place]));
  return busy;
}

double TimedNet::propensity(std::size_t t, const Count* marking, double rate, double* registers) const noexcept {
  return propensity_of(*this, t, marking, rate, registers);
}

}  // namespace petricore
