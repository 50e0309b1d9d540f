#include "petricore/step.hpp"

#include <algorithm>
#include <bit>
#include <cassert>
#include <limits>

#include "parallel.hpp"
#include "petricore/error.hpp"

namespace petricore {
namespace {

constexpr std::int64_t kNone = std::numeric_limits<std::int64_t>::max() / 4;  // no bound

// sum + count * each, held at kNone: more than any place can hold, and far from overflow.
std::int64_t add_saturated(std::int64_t sum, std::int64_t count, std::int64_t each) {
  return std::min(sum + count * each, kNone);
}

std::int64_t fall_of(const Link& link) { return link.resets ? 0 : std::max(0, -link.delta()); }
std::int64_t rise_of(const Link& link) { return link.resets ? 0 : std::max(0, link.delta()); }

void check_counts(const Net& net, const Count* marking, std::size_t row) {
  for (std::size_t p = 0; p < net.places(); ++p) {
    if (marking[p] < 0) throw NegativeTokens(row, p, marking[p]);
  }
}

}  // namespace

Step::Step(const Net& net)
    : net_(net), loads_(net.places(), Load{0, 0, 0, 0, -kNone, kNone, false}), counts_(net.transitions(), 0) {}

void Step::load(const Count* marking) {
  for (const std::uint32_t p : touched_) loads_[p] = Load{0, 0, 0, 0, -kNone, kNone, false};
  for (const std::uint32_t t : members_) counts_[t] = 0;
  touched_.clear();
  members_.clear();
  marking_ = marking;
}

Step::Load Step::with(const Link& link, std::int64_t count) const {
  Load load = loads_[link.place];
  load.input = add_saturated(load.input, count, link.input);
  load.output = add_saturated(load.output, count, link.output);
  load.falls = add_saturated(load.falls, count, fall_of(link));
  load.rises = add_saturated(load.rises, count, rise_of(link));
  if (link.least > 0) load.need = std::max(load.need, link.least - fall_of(link));
  if (link.most < kMaxTokens) load.limit = std::min(load.limit, link.most + rise_of(link));
  load.resets |= link.resets;
  return load;
}

const Link* Step::link_of(std::size_t transition, std::uint32_t place) const {
  const auto links = net_.links(transition);
  const auto found =
      std::lower_bound(links.begin(), links.end(), place, [](const Link& a, std::uint32_t p) { return a.place < p; });
  return found != links.end() && found->place == place ? &*found : nullptr;
}

// Whether the bounds on a place that some member empties hold in every order, with extra_count firings of `extra` more.
// The worst order for u lets all others that lower (raise) the count go first, after the one that restarts it lowest
// (highest), if that is worse than the marking itself.
bool Step::orders_admit(std::uint32_t place, std::size_t extra, std::int64_t extra_count) const {
  const auto each_member = [&](const auto& visit) {
    for (const std::uint32_t u : members_) {
      const Link* link = link_of(u, place);
      if (link != nullptr) visit(u, *link, counts_[u] + (u == extra ? extra_count : 0));
    }
    if (extra_count > 0 && counts_[extra] == 0) visit(extra, *link_of(extra, place), extra_count);
  };
  const std::int64_t tokens = marking_[place];
  std::int64_t input = 0, falls = 0, rises = 0;
  each_member([&](std::size_t, const Link& link, std::int64_t count) {
    input = add_saturated(input, count, link.input);
    falls = add_saturated(falls, count, fall_of(link));
    rises = add_saturated(rises, count, rise_of(link));
  });
  if (input > tokens) return false;

  bool admitted = true;
  each_member([&](std::size_t u, const Link& link, std::int64_t count) {
    std::int64_t low = tokens, high = tokens;
    each_member([&](std::size_t v, const Link& other, std::int64_t) {
      if (other.resets && (v != u || count > 1)) {
        low = std::min<std::int64_t>(low, other.output);
        high = std::max<std::int64_t>(high, other.output);
      }
    });
    if (link.least > 0 && low - (falls - fall_of(link)) < link.least) admitted = false;
    if (link.most < kMaxTokens && high + (rises - rise_of(link)) > link.most) admitted = false;
  });
  return admitted;
}

bool Step::admits(const Link& link, std::size_t transition, std::int64_t count) const {
  const Load load = with(link, count);
  if (load.resets) return orders_admit(link.place, transition, count);
  const std::int64_t tokens = marking_[link.place];
  return load.input <= tokens && tokens - load.falls >= load.need && tokens + load.rises <= load.limit;
}

// The largest count that a place without resets allows, in closed form: all its conditions are linear in the count.
Count Step::room_at(const Link& link, std::int64_t limit) const {
  const Load one = with(link, 1);
  const std::int64_t tokens = marking_[link.place];
  if (one.input > tokens || tokens - one.falls < one.need || tokens + one.rises > one.limit) return 0;
  std::int64_t more = limit - 1;
  if (link.input > 0) more = std::min(more, (tokens - one.input) / link.input);
  if (const auto fall = fall_of(link); fall > 0) more = std::min(more, (tokens - one.falls - one.need) / fall);
  if (const auto rise = rise_of(link); rise > 0) more = std::min(more, (one.limit - tokens - one.rises) / rise);
  return static_cast<Count>(1 + more);
}

Count Step::room(std::size_t transition, Count limit) {
  Count room = limit;
  bool resets = false;
  for (const Link& link : net_.links(transition)) {
    if (room == 0) return 0;
    const Load& load = loads_[link.place];
    if (link.resets || load.resets) {
      resets = true;
    } else if (link.least > 0 || link.most < kMaxTokens || load.limit < kNone) {  // else it only puts, freely
      room = room_at(link, room);
    }
  }
  if (!resets || room == 0) return room;

  // Servability only shrinks with the count, so bisect: `room` might do, `known` does.
  const auto all_admit = [&](Count count) {
    return std::ranges::all_of(net_.links(transition),
                               [&](const Link& link) { return admits(link, transition, count); });
  };
  if (all_admit(room)) return room;
  Count known = 0, refused = room;
  while (refused - known > 1) {
    const Count middle = known + (refused - known) / 2;
    (all_admit(middle) ? known : refused) = middle;
  }
  return known;
}

void Step::add(std::size_t transition, Count count) {
  assert(count >= 1 && room(transition, count) == count);
  add_unchecked(transition, count);
}

void Step::add_unchecked(std::size_t transition, Count count) {
  for (const Link& link : net_.links(transition)) {
    Load& load = loads_[link.place];
    if (load.need == -kNone && load.limit == kNone && load.input == 0 && load.output == 0 && !load.resets) {
      touched_.push_back(link.place);
    }
    load = with(link, count);
  }
  if (counts_[transition] == 0) members_.push_back(static_cast<std::uint32_t>(transition));
  counts_[transition] += count;
}

void Step::check(std::size_t marking) const {
  for (const std::uint32_t u : members_) {
    for (const Link& link : net_.links(u)) {
      const Load& load = loads_[link.place];
      const std::int64_t tokens = marking_[link.place];
      const auto refuse = [&](std::int64_t needed) {
        throw NotEnabled(marking, u, link.place, needed, marking_[link.place]);
      };
      if (load.input > tokens) refuse(load.input);
      if (load.resets) {
        if (!link.admits(marking_[link.place])) refuse(tokens < link.least ? link.least : link.most);
        if (!orders_admit(link.place, u, 0)) refuse(tokens);  // the count is right, but not after some of the others
      } else {
        const std::int64_t others_fall = load.falls - fall_of(link);
        const std::int64_t others_rise = load.rises - rise_of(link);
        if (link.least > 0 && tokens - others_fall < link.least) refuse(link.least + others_fall);
        if (link.most < kMaxTokens && tokens + others_rise > link.most) refuse(link.most - others_rise);
      }
    }
  }
}

// On a place that some member empties the order matters: members that empty nothing come first, then the others by
// index.
std::int64_t Step::tokens_after(std::uint32_t place) const {
  std::vector<std::uint32_t> order(members_);
  const auto empties = [this](std::uint32_t t) { return !net_.spec().resets[t].empty(); };
  std::ranges::sort(order, {}, [&](std::uint32_t t) { return std::pair(empties(t), t); });
  std::int64_t tokens = marking_[place];
  for (const std::uint32_t t : order) {
    const Link* link = link_of(t, place);
    if (link == nullptr) continue;
    tokens = link->resets ? link->output : tokens + std::int64_t{counts_[t]} * link->delta();
  }
  return tokens;
}

void Step::fire(std::size_t marking, Count* out) const {
  std::copy_n(marking_, net_.places(), out);
  for (const std::uint32_t p : touched_) {
    const Load& load = loads_[p];
    const std::int64_t tokens = load.resets ? tokens_after(p) : marking_[p] - load.input + load.output;
    if (tokens > kMaxTokens) throw TokenOverflow(marking, p, tokens);
    out[p] = static_cast<Count>(tokens);
  }
}

namespace {

void serve_all(Step& step, const Net& net, std::span<const std::uint32_t> transitions) {
  for (const std::uint32_t t : transitions) {
    const Count room = step.room(t, net.has_inputs(t) ? kMaxTokens : 1);
    if (room > 0) step.add(t, room);
  }
}

void serve_by_lot(Step& step, const Net& net, std::span<std::uint32_t> open, Rng& rng) {
  while (!open.empty()) {
    const std::uint32_t i = rng.below(static_cast<std::uint32_t>(open.size()));
    const std::uint32_t t = open[i];
    const Count room = step.room(t, net.has_inputs(t) ? kMaxTokens : 1);
    const Count served = room == 0 ? 0 : static_cast<Count>(1 + rng.below(static_cast<std::uint32_t>(room)));
    if (served > 0) step.add(t, served);
    if (served == room) {
      std::swap(open[i], open.back());
      open = open.first(open.size() - 1);
    }
  }
}

}  // namespace

void grow_maximal(Step& step, const Net& net, std::span<std::uint32_t> enabled, StepPolicy policy, Rng& rng) {
  if (policy == StepPolicy::kFifo) {
    serve_all(step, net, enabled);
    return;
  }
  const auto& priorities = net.spec().priorities;
  for (std::size_t first = 0; first < enabled.size();) {
    std::size_t last = first + 1;
    while (last < enabled.size() && priorities[enabled[last]] == priorities[enabled[first]]) ++last;
    serve_by_lot(step, net, enabled.subspan(first, last - first), rng);
    first = last;
  }
}

void maximal_steps(const Bulk& bulk, const Count* markings, std::size_t batch, StepPolicy policy, std::uint64_t seed,
                   Count* out, unsigned threads) {
  const Net& net = bulk.net();
  const std::size_t places = net.places();
  const std::size_t transitions = net.transitions();
  const std::size_t bytes = batch * (places + transitions) * sizeof(Count);
  parallel_for(batch, Bulk::kBlock, thread_count(threads, bytes), [&](std::size_t first, std::size_t end) {
    std::vector<std::uint64_t> masks(transitions);
    bulk.masks(markings + first * places, end - first, masks.data(), first);
    std::vector<std::vector<std::uint32_t>> enabled(end - first);
    for (const std::uint32_t t : net.by_priority()) {
      for (std::uint64_t rest = masks[t]; rest != 0; rest &= rest - 1) {
        enabled[static_cast<std::size_t>(std::countr_zero(rest))].push_back(t);
      }
    }
    std::fill_n(out + first * transitions, (end - first) * transitions, 0);
    Step step(net);
    for (std::size_t row = first; row < end; ++row) {
      step.load(markings + row * places);
      Rng rng(seed + row * 0x9E3779B97F4A7C15U);
      grow_maximal(step, net, enabled[row - first], policy, rng);
      for (const std::uint32_t t : step.members()) out[row * transitions + t] = step.count(t);
    }
  });
}

void fire_steps(const Net& net, const Count* markings, const Count* firings, std::size_t batch, Count* out,
                unsigned threads) {
  const std::size_t places = net.places();
  const std::size_t transitions = net.transitions();
  const std::size_t bytes = batch * (2 * places + transitions) * sizeof(Count);
  parallel_for(batch, 64, thread_count(threads, bytes), [&](std::size_t begin, std::size_t end) {
    Step step(net);
    for (std::size_t row = begin; row < end; ++row) {
      check_counts(net, markings + row * places, row);
      step.load(markings + row * places);
      for (std::size_t t = 0; t < transitions; ++t) {
        if (const Count count = firings[row * transitions + t]; count > 0) step.add_unchecked(t, count);
      }
      step.check(row);
      step.fire(row, out + row * places);
    }
  });
}

}  // namespace petricore
