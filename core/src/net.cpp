#include "petricore/net.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <stdexcept>
#include <string>

namespace petricore {
namespace {

void check_table(const char* kind, const Csr<Arc>& arcs, std::size_t places, std::size_t transitions) {
  if (arcs.rows() != transitions) {
    throw std::invalid_argument(std::string(kind) + " arcs have " + std::to_string(arcs.rows()) + " rows for " +
                                std::to_string(transitions) + " transitions");
  }
  std::vector<std::size_t> last_row(places, transitions);
  for (std::size_t t = 0; t < transitions; ++t) {
    for (const Arc& arc : arcs[t]) {
      if (arc.place >= places) {
        throw std::invalid_argument(std::string(kind) + " arc names place " + std::to_string(arc.place) + " of " +
                                    std::to_string(places));
      }
      if (arc.weight < 1) {
        throw std::invalid_argument(std::string(kind) + " arc has the weight " + std::to_string(arc.weight));
      }
      if (last_row[arc.place] == t) {
        throw std::invalid_argument(std::string(kind) + " arcs of transition " + std::to_string(t) + " name place " +
                                    std::to_string(arc.place) + " twice");
      }
      last_row[arc.place] = t;
    }
  }
}

void check(const NetSpec& spec) {
  const std::size_t places = spec.initial.size();
  const std::size_t transitions = spec.priorities.size();
  if (spec.capacities.size() != places) throw std::invalid_argument("one capacity per place is needed");
  if (spec.rates.size() != transitions) throw std::invalid_argument("one rate per transition is needed");
  check_table("input", spec.inputs, places, transitions);
  check_table("output", spec.outputs, places, transitions);
  check_table("read", spec.reads, places, transitions);
  check_table("inhibitor", spec.inhibitors, places, transitions);
  check_table("reset", spec.resets, places, transitions);
  for (std::size_t p = 0; p < places; ++p) {
    if (spec.initial[p] < 0 || spec.initial[p] > spec.capacities[p]) {
      throw std::invalid_argument("place " + std::to_string(p) + " holds " + std::to_string(spec.initial[p]) +
                                  " tokens of " + std::to_string(spec.capacities[p]));
    }
  }
  for (const double rate : spec.rates) {
    if (!std::isfinite(rate) || rate <= 0) throw std::invalid_argument("rate " + std::to_string(rate));
  }
}

// What an input of `input` and an output of `output` leave of a capacity.
Count most_before(Count capacity, const Link& link) {
  if (capacity == kUnbounded || link.output == 0) return kMaxTokens;
  if (link.resets) return link.output <= capacity ? kMaxTokens : -1;
  const std::int64_t most = std::int64_t{capacity} - link.output + link.input;
  return static_cast<Count>(std::clamp<std::int64_t>(most, -1, kMaxTokens));
}

std::vector<Link> links_of(const NetSpec& spec, std::size_t t) {
  std::vector<Link> row;
  const auto link_to = [&row](std::uint32_t place) -> Link& {
    return row.emplace_back(Link{place, 0, kMaxTokens, 0, 0, false});
  };
  for (const Arc& arc : spec.inputs[t]) {
    Link& link = link_to(arc.place);
    link.input = link.least = arc.weight;
  }
  for (const Arc& arc : spec.outputs[t]) link_to(arc.place).output = arc.weight;
  for (const Arc& arc : spec.reads[t]) link_to(arc.place).least = arc.weight;
  for (const Arc& arc : spec.inhibitors[t]) link_to(arc.place).most = arc.weight - 1;
  for (const Arc& arc : spec.resets[t]) link_to(arc.place).resets = true;

  std::stable_sort(row.begin(), row.end(), [](const Link& a, const Link& b) { return a.place < b.place; });
  std::size_t kept = 0;
  for (const Link& link : row) {
    if (kept > 0 && row[kept - 1].place == link.place) {
      Link& merged = row[kept - 1];
      merged.least = std::max(merged.least, link.least);
      merged.most = std::min(merged.most, link.most);
      merged.input = std::max(merged.input, link.input);
      merged.output = std::max(merged.output, link.output);
      merged.resets |= link.resets;
    } else {
      row[kept++] = link;
    }
  }
  row.resize(kept);
  for (Link& link : row) link.most = std::min(link.most, most_before(spec.capacities[link.place], link));
  return row;
}

Csr<std::uint32_t> transpose(const Csr<Link>& links, std::size_t places) {
  std::vector<std::uint32_t> offsets(places + 1, 0);
  for (const Link& link : links.items()) ++offsets[link.place + 1];
  std::partial_sum(offsets.begin(), offsets.end(), offsets.begin());
  std::vector<std::uint32_t> items(links.items().size());
  std::vector<std::uint32_t> next(offsets.begin(), offsets.end() - 1);
  for (std::size_t t = 0; t < links.rows(); ++t) {
    for (const Link& link : links[t]) items[next[link.place]++] = static_cast<std::uint32_t>(t);
  }
  return {std::move(offsets), std::move(items)};
}

}  // namespace

Net::Net(NetSpec spec) : spec_(std::move(spec)) {
  check(spec_);
  for (std::size_t t = 0; t < transitions(); ++t) links_.append(links_of(spec_, t));
  neighbours_ = transpose(links_, places());
  by_priority_.resize(transitions());
  std::iota(by_priority_.begin(), by_priority_.end(), 0U);
  std::stable_sort(by_priority_.begin(), by_priority_.end(),
                   [this](auto a, auto b) { return spec_.priorities[a] > spec_.priorities[b]; });
}

}  // namespace petricore
