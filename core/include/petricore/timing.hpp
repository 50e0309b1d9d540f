// When and how often transitions fire: the timed half of a net.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "petricore/csr.hpp"
#include "petricore/expression.hpp"
#include "petricore/net.hpp"

namespace petricore {

enum class Timing : std::uint8_t {
  kExponential,  // memoryless, with a rate law
  kGeneral,      // a delay drawn from any distribution
  kImmediate     // fires before time passes, by priority, then by weight
};

enum class RateLaw : std::uint8_t {
  kServers,     // rate * min(servers, enabling degree)
  kMassAction,  // rate * product over inputs of (tokens choose weight), as in stochastic chemical kinetics
  kExpression   // rate * expression(marking) while enabled
};

// What a clock does when its transition is disabled before it rings.
enum class Memory : std::uint8_t {
  kEnabling,  // forgets: a new delay when it is enabled again
  kAge        // goes on where it stood
};

// kDeterministic a; kUniform [a, b]; kErlang shape a, rate b; kLognormal exp(Normal(a, b)); kWeibull shape a, scale b;
// kTriangular [a, b] with mode c; kEmpirical one of `samples`, equally likely.
enum class Family : std::uint8_t { kDeterministic, kUniform, kErlang, kLognormal, kWeibull, kTriangular, kEmpirical };

struct Delay {
  Family family;
  double a = 0, b = 0, c = 0;
  std::vector<double> samples;
};

struct TransitionTiming {
  static constexpr Count kInfiniteServers = kMaxTokens;

  Timing timing = Timing::kExponential;
  RateLaw law = RateLaw::kServers;
  Memory memory = Memory::kEnabling;
  Count servers = 1;             // kExponential with kServers, and kGeneral
  double rate = 1;               // kExponential
  double weight = 1;             // kImmediate
  std::uint32_t delay = 0;       // kGeneral: index of TimingSpec::delays
  std::uint32_t expression = 0;  // kExpression: index of TimingSpec::expressions
};

struct TimingSpec {
  std::vector<TransitionTiming> transitions;  // (T,)
  std::vector<Delay> delays;
  std::vector<Expression> expressions;
};

// A net and its timing. Immutable: any thread may read it. `net` must outlive it.
class TimedNet {
 public:
  // Throws std::invalid_argument if sizes or indices disagree, or a rate, weight or parameter is not finite or is out
  // of its range. Costs O(T + arcs + size of the dependency graph).
  TimedNet(const Net& net, TimingSpec spec);

  const Net& net() const noexcept { return net_; }
  const TimingSpec& spec() const noexcept { return spec_; }
  const TransitionTiming& timing(std::size_t t) const noexcept { return spec_.transitions[t]; }

  bool has_immediate() const noexcept { return has_immediate_; }
  bool has_general() const noexcept { return has_general_; }

  // The transitions whose enabling or rate may differ after t has fired, ascending.
  std::span<const std::uint32_t> affected(std::size_t t) const noexcept { return affected_[t]; }

  // How often t could fire at once, in the sense of Net (all kinds of arcs and capacities), at most `servers`.
  Count busy_servers(std::size_t t, const Count* marking) const noexcept;

  // The rate of an exponential t times `factor` (a sweep's own rate for it); 0 where it is disabled. NaN or negative if
  // an expression says so: the caller raises. `registers`: room for the largest expression.
  // The same operations in the same order wherever it is computed, so that the bits are the same too.
  double propensity(std::size_t t, const Count* marking, double rate, double* registers) const noexcept;
  std::size_t registers() const noexcept { return registers_; }

 private:
  const Net& net_;
  TimingSpec spec_;
  Csr<std::uint32_t> affected_;
  std::size_t registers_ = 0;
  bool has_immediate_ = false, has_general_ = false;
};

}  // namespace petricore
