#include "petricore/semiflows.hpp"

#include <algorithm>

#include "elimination.hpp"

namespace petricore {

Semiflows place_semiflows(const Net& net, const SemiflowOptions& options) {
  std::vector<std::vector<MatrixEntry>> entries(net.places());
  std::vector<bool> reset(net.places(), false);
  for (std::uint32_t t = 0; t < net.transitions(); ++t) {
    for (const Link& link : net.links(t)) {
      if (link.resets) reset[link.place] = true;
      if (link.delta() != 0) entries[link.place].push_back({t, link.delta()});
    }
  }
  std::vector<Generator> generators;
  for (std::uint32_t p = 0; p < net.places(); ++p) {
    if (!reset[p]) generators.push_back({p, std::move(entries[p])});
  }
  return extreme_rays(generators, net.transitions(), options);
}

Semiflows transition_semiflows(const Net& net, const SemiflowOptions& options) {
  std::vector<Generator> generators;
  for (std::uint32_t t = 0; t < net.transitions(); ++t) {
    const auto links = net.links(t);
    if (std::any_of(links.begin(), links.end(), [](const Link& link) { return link.resets; })) continue;
    Generator& generator = generators.emplace_back(Generator{t, {}});
    for (const Link& link : links) {
      if (link.delta() != 0) generator.entries.push_back({link.place, link.delta()});
    }
  }
  return extreme_rays(generators, net.places(), options);
}

}  // namespace petricore
