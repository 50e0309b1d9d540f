// Maximal steps: in each unit of time as many transitions fire together as can, priorities first and drawn at random
// among equals.
#include "petricore/error.hpp"
#include "petricore/philox.hpp"
#include "petricore/step.hpp"
#include "simulate/replica.hpp"

namespace petricore {
namespace {

class MaximalStep {
 public:
  explicit MaximalStep(Replica& replica)
      : replica_(replica), step_(replica.job.timed.net()), after_(replica.job.places) {
    enabled_.reserve(replica.job.transitions);
  }

  void start() {}

  Next peek() {
    const Net& net = replica_.job.timed.net();
    enabled_.clear();
    for (const std::uint32_t t : net.by_priority()) {
      if (net.is_enabled(t, replica_.marking)) enabled_.push_back(t);
    }
    return {enabled_.empty() ? kForever : replica_.time + 1};
  }

  template <class Recorder>
  std::uint32_t fire(Recorder& recorder) {
    const PhiloxBlock block = block_of(replica_.job.options.seed, replica_.number, replica_.event);
    Rng rng(block[0] | std::uint64_t{block[1]} << 32);
    step_.load(replica_.marking);
    grow_maximal(step_, replica_.job.timed.net(), enabled_, StepPolicy::kRandom, rng);
    try {
      step_.fire(replica_.row, after_.data());
    } catch (const TokenOverflow& error) {
      replica_.fail(SimulationFault::Kind::kTokenOverflow, static_cast<std::uint32_t>(error.place),
                    static_cast<double>(error.count));
    }
    for (const std::uint32_t t : step_.members()) recorder.count(t, step_.count(t));
    std::copy(after_.begin(), after_.end(), replica_.marking);
    return kSeveral;
  }

 private:
  Replica& replica_;
  Step step_;
  std::vector<Count> after_;
  std::vector<std::uint32_t> enabled_;
};

}  // namespace

std::unique_ptr<Runner> make_maximal_step(Job& job) { return make_runner<MaximalStep>(job); }

}  // namespace petricore
