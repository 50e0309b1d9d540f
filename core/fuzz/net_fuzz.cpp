// Bytes -> a net of every arc kind and some markings -> every operation, each against its definition.
#include <algorithm>
#include <optional>
#include <stdexcept>
#include <vector>

#include "bytes.hpp"
#include "naive_net.hpp"
#include "petricore/bulk.hpp"
#include "petricore/conflict.hpp"
#include "petricore/error.hpp"
#include "petricore/state.hpp"
#include "petricore/step.hpp"

namespace {

using namespace petricore;
using namespace petricore::fuzz;

constexpr std::size_t kMaxOrdered = 5;  // firings whose orders are all tried

// Small numbers mostly, so that bounds are met; now and then one near the end of the range.
Count draw_count(Bytes& bytes) {
  const std::uint8_t value = bytes.byte();
  if (value < 240) return value % 6;
  if (value < 248) return 250 + value % 8;
  return kMaxTokens - value % 4;
}

std::vector<Arc> draw_arcs(Bytes& bytes, std::size_t places, bool& valid) {
  std::vector<Arc> arcs;
  std::vector<bool> named(places, false);
  for (std::size_t n = bytes.below(4); n > 0 && places > 0; --n) {
    const auto place = static_cast<std::uint32_t>(bytes.below(places));
    if (named[place] && !bytes.once_in(64)) continue;
    const Count weight = draw_count(bytes);
    valid &= !named[place] && weight > 0;
    named[place] = true;
    arcs.push_back({place, weight});
  }
  return arcs;
}

// Sets `valid` to whether a Net may be made of it.
NetSpec draw_spec(Bytes& bytes, bool& valid) {
  NetSpec spec;
  const std::size_t places = bytes.below(7);
  const std::size_t transitions = bytes.below(7);
  valid = true;
  for (std::size_t p = 0; p < places; ++p) {
    spec.initial.push_back(draw_count(bytes));
    spec.capacities.push_back(bytes.once_in(3) ? draw_count(bytes) : kUnbounded);
    valid &= spec.initial[p] <= spec.capacities[p];
  }
  for (std::size_t t = 0; t < transitions; ++t) {
    for (auto* table : {&spec.inputs, &spec.outputs}) table->append(draw_arcs(bytes, places, valid));
    for (auto* table : {&spec.reads, &spec.inhibitors, &spec.resets}) {
      table->append(bytes.once_in(3) ? draw_arcs(bytes, places, valid) : std::vector<Arc>{});
    }
    spec.priorities.push_back(static_cast<std::int32_t>(bytes.below(3)));
    spec.rates.push_back(1.0);
  }
  return spec;
}

Tokens tokens_of(std::span<const Count> marking) { return {marking.begin(), marking.end()}; }

bool overflows(const Tokens& tokens) {
  return std::ranges::any_of(tokens, [](std::int64_t count) { return count > kMaxTokens; });
}

// A batch of markings and the answers that every operation must give for them.
class Checker {
 public:
  Checker(Bytes& bytes, const NetSpec& spec, const Net& net)
      : bytes_(bytes), spec_(spec), net_(net), naive_(spec), bulk_(net) {
    draw_rows();
  }

  void check_all() {
    check_enabled();
    check_degrees();
    check_conflicts();
    check_steps(StepPolicy::kFifo);
    check_steps(StepPolicy::kRandom);
    check_state();
  }

 private:
  std::span<const Count> row(std::size_t i) const { return {rows_.data() + i * net_.places(), net_.places()}; }

  // The initial marking, some of any counts, and sometimes enough copies to fill more than a block.
  void draw_rows() {
    rows_ = spec_.initial;
    distinct_ = 1 + bytes_.below(3);
    for (std::size_t i = net_.places(); i < distinct_ * net_.places(); ++i) rows_.push_back(draw_count(bytes_));
    const std::size_t copies = bytes_.once_in(8) ? 1 + 2 * Bulk::kBlock / distinct_ : 1;
    const std::vector<Count> pattern = rows_;
    for (std::size_t i = 1; i < copies; ++i) rows_.insert(rows_.end(), pattern.begin(), pattern.end());
    batch_ = distinct_ * copies;
  }

  void check_enabled() const {
    std::vector<std::uint8_t> flags(batch_ * net_.transitions(), 2);
    bulk_.enabled(rows_.data(), batch_, flags.data(), 1);
    for (std::size_t i = 0; i < batch_; ++i) {
      for (std::size_t t = 0; t < net_.transitions(); ++t) {
        const bool expected = naive_.enabled(t, tokens_of(row(i)));
        check(flags[i * net_.transitions() + t] == static_cast<std::uint8_t>(expected), "bulk enabled");
        check(net_.is_enabled(t, row(i).data()) == expected, "Net::is_enabled");
      }
    }
  }

  void check_degrees() const {
    std::vector<Count> degrees(batch_ * net_.transitions(), -1);
    bulk_.enabling_degree(rows_.data(), batch_, degrees.data(), 1);
    for (std::size_t i = 0; i < batch_; ++i) {
      for (std::size_t t = 0; t < net_.transitions(); ++t) {
        const Count degree = degrees[i * net_.transitions() + t];
        Count expected = 0;
        while (expected < 8 && naive_.servable(std::vector<std::size_t>(expected + 1U, t), tokens_of(row(i))))
          ++expected;
        check(std::min(degree, 8) == expected, "enabling degree");
      }
    }
  }

  void check_conflicts() const {
    const Conflicts found = find_conflicts(bulk_, rows_.data(), batch_, 1);
    check(found.offsets.size() == batch_ + 1, "a row of conflicts a marking");
    for (std::size_t i = 0; i < batch_; ++i) {
      auto next = static_cast<std::size_t>(found.offsets[i]);
      for (std::size_t t = 0; t < net_.transitions(); ++t) {
        for (std::size_t u = t + 1; u < net_.transitions(); ++u) {
          const Tokens tokens = tokens_of(row(i));
          if (!naive_.enabled(t, tokens) || !naive_.enabled(u, tokens) || naive_.servable({t, u}, tokens)) continue;
          check(next < found.pairs.size(), "a conflict is missing");
          check(static_cast<std::size_t>(found.pairs[next].first) == t, "first of a conflict");
          check(static_cast<std::size_t>(found.pairs[next].second) == u, "second of a conflict");
          ++next;
        }
      }
      check(next == static_cast<std::size_t>(found.offsets[i + 1]), "a conflict too many");
    }
  }

  void check_steps(StepPolicy policy) const {
    std::vector<Count> counts(batch_ * net_.transitions(), -1);
    maximal_steps(bulk_, rows_.data(), batch_, policy, 7, counts.data(), 1);
    for (std::size_t i = 0; i < batch_; ++i) {
      const std::span<const Count> row_counts{counts.data() + i * net_.transitions(), net_.transitions()};
      if (i >= distinct_ && i + 1 < batch_) continue;  // copies: the last one stands for all
      const std::optional<std::vector<std::size_t>> step = as_list(row_counts);
      if (step) check_step(*step, row_counts, i);
    }
  }

  // The members of a step one by one, or nothing if there are too many to try all orders.
  static std::optional<std::vector<std::size_t>> as_list(std::span<const Count> counts) {
    std::vector<std::size_t> step;
    for (std::size_t t = 0; t < counts.size(); ++t) {
      check(counts[t] >= 0, "a count of a step");
      if (step.size() + static_cast<std::size_t>(counts[t]) > kMaxOrdered) return std::nullopt;
      step.insert(step.end(), static_cast<std::size_t>(counts[t]), t);
    }
    return step;
  }

  void check_step(std::vector<std::size_t> step, std::span<const Count> counts, std::size_t i) const {
    const Tokens tokens = tokens_of(row(i));
    check(naive_.servable(step, tokens), "a step is servable");
    check_fired(naive_.fire_together(step, tokens), counts, i);
    for (std::size_t t = 0; t < net_.transitions(); ++t) {
      if (spec_.inputs[t].empty() && counts[t] > 0) continue;  // counts once in a step
      step.push_back(t);
      check(!naive_.servable(step, tokens), "a step is maximal");
      step.pop_back();
    }
  }

  void check_fired(const Tokens& expected, std::span<const Count> counts, std::size_t i) const {
    std::vector<Count> after(net_.places(), -1);
    try {
      fire_steps(net_, row(i).data(), counts.data(), 1, after.data(), 1);
      check(tokens_of(after) == expected, "the marking after a step");
    } catch (const TokenOverflow&) {
      check(overflows(expected), "a step overflows only where a count does");
    }
  }

  void check_state() {
    const FiringTables tables(net_);
    State state(net_, tables, row(bytes_.below(distinct_)));
    check_enabled_of(state);
    for (int fired = 0; fired < 24 && !bytes_.empty() && net_.transitions() > 0; ++fired) {
      fire_one(state, bytes_.below(net_.transitions()));
      check_enabled_of(state);
    }
    Rng rng(bytes_.byte());
    try {
      const std::uint64_t steps = bytes_.byte();
      const std::uint64_t fired = state.run(steps, rng);
      check(fired == steps || state.enabled().empty(), "a run ends early only where nothing is enabled");
    } catch (const TokenOverflow&) {
      check(!state.enabled().empty(), "what overflowed is still enabled");
    }
    check_enabled_of(state);
  }

  void fire_one(State& state, std::size_t t) const {
    const Tokens before = tokens_of(state.marking());
    const Tokens after = naive_.fire(t, before);
    try {
      state.fire(t);
      check(naive_.enabled(t, before), "only an enabled transition fires");
      check(tokens_of(state.marking()) == after, "the marking after a firing");
    } catch (const NotEnabled&) {
      check(!naive_.enabled(t, before), "an enabled transition is not refused");
      check(tokens_of(state.marking()) == before, "a refused firing changes nothing");
    } catch (const TokenOverflow&) {
      check(overflows(after), "a firing overflows only where a count does");
      check(tokens_of(state.marking()) == before, "an overflow changes nothing");
    }
  }

  void check_enabled_of(const State& state) const {
    const Tokens tokens = tokens_of(state.marking());
    std::size_t enabled = 0;
    for (std::size_t t = 0; t < net_.transitions(); ++t) {
      const bool expected = naive_.enabled(t, tokens);
      check(state.is_enabled(t) == expected, "State::is_enabled");
      const auto listed = std::ranges::count(state.enabled(), static_cast<std::uint32_t>(t));
      check(listed == static_cast<std::ptrdiff_t>(expected), "State::enabled");
      enabled += static_cast<std::size_t>(expected);
    }
    check(state.enabled().size() == enabled, "State::enabled holds nothing else");
  }

  Bytes& bytes_;
  const NetSpec& spec_;
  const Net& net_;
  NaiveNet naive_;
  Bulk bulk_;
  std::vector<Count> rows_;  // (batch_, P)
  std::size_t distinct_ = 0;
  std::size_t batch_ = 0;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Bytes bytes(data, size);
  bool valid = false;
  const NetSpec spec = draw_spec(bytes, valid);
  try {
    const Net net(spec);
    check(valid, "a broken net is refused");
    Checker(bytes, spec, net).check_all();
  } catch (const std::invalid_argument&) {
    check(!valid, "a sound net is accepted");
  }
  return 0;
}
