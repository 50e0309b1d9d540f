// The fuzzer's input as the net of a Fleet.
#pragma once

#include <array>

#include "bytes.hpp"
#include "petricore/fleet.hpp"

namespace petricore::fuzz {

using Id = std::int64_t;

inline constexpr std::size_t kPlaces = 6;
inline constexpr std::size_t kTransitions = 4;

inline Id draw_index(Bytes& bytes, std::size_t bound) { return static_cast<Id>(bytes.below(bound)); }

// An input that may stand beside the others of its transition, unless the draw says otherwise.
inline FleetSpec::Input draw_input(Bytes& bytes, Id transition, Id place, bool resource) {
  if (bytes.once_in(64)) {
    return {transition, place, draw_index(bytes, 5), draw_index(bytes, 3), draw_index(bytes, 2), draw_index(bytes, 2)};
  }
  const auto mode = resource ? ArcMode::kTake
                             : std::array{ArcMode::kTake, ArcMode::kTake, ArcMode::kDrain, ArcMode::kGather,
                                          ArcMode::kRead}[bytes.below(5)];
  const bool exact = mode == ArcMode::kTake || mode == ArcMode::kRead;
  const Id guard = !resource && bytes.once_in(4) ? draw_index(bytes, 2) : -1;
  const Id key_slot = !resource && exact && bytes.once_in(3) ? 0 : -1;
  return {transition, place, static_cast<Id>(mode), draw_index(bytes, 2) + (exact ? 1 : 0), guard, key_slot};
}

// Sound mostly; what no Fleet can be made of is part of it.
inline FleetSpec draw_spec(Bytes& bytes) {
  FleetSpec spec;
  spec.places = kPlaces;
  spec.transitions = kTransitions;
  const bool resource = bytes.once_in(2);
  if (resource) spec.resources.emplace_back(kPlaces - 1, draw_index(bytes, 4));
  if (bytes.once_in(3)) spec.capacities.emplace_back(0, 1 + draw_index(bytes, 4));
  for (Id t = 0; t < spec.transitions; ++t) {
    auto place = draw_index(bytes, kPlaces - 1);
    for (std::size_t n = 1 + bytes.below(3); n > 0 && place < spec.places; --n) {
      spec.inputs.push_back(draw_input(bytes, t, place, resource && place == spec.places - 1));
      place += draw_index(bytes, 4) + (bytes.once_in(8) ? 0 : 1);
    }
    for (std::size_t n = bytes.below(4); n > 0; --n) {
      const Id to = draw_index(bytes, kPlaces);
      spec.outputs.push_back({t, to, 1 + draw_index(bytes, 2)});
      const bool may_scatter = to != 0 && to != spec.places - 1;
      if (may_scatter && bytes.once_in(3)) spec.scatters.emplace_back(t, to);
    }
    if (bytes.once_in(6)) spec.inhibitors.push_back({t, draw_index(bytes, kPlaces - 1), 1 + draw_index(bytes, 3)});
    spec.priorities.push_back(draw_index(bytes, 2));
  }
  return spec;
}

}  // namespace petricore::fuzz
