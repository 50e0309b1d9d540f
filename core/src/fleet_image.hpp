// What the bytes of a saved session say, before anything is made of it.
//
// Names in the bytes are positions: of tokens by age, of firings by claim, of groups by opening.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "fleet_groups.hpp"
#include "fleet_net.hpp"
#include "fleet_state.hpp"

namespace petricore::fleet {

inline constexpr std::uint64_t kImageVersion = 1;

struct SavedToken {
  std::uint32_t place = 0;
  std::uint64_t guards = 0;
  std::vector<std::int64_t> keys;
  std::vector<std::uint32_t> groups;
  bool held = false;
};

struct SavedFiring {
  std::uint32_t transition = 0;
  std::vector<std::uint32_t> groups, held;
  std::uint32_t opened = 0, closing = 0;  // 1 + group, or 0
  std::vector<Reservation> reservations;
};

struct SavedGroup {
  std::vector<std::uint32_t> parents;
  std::uint32_t runner = 0;  // 1 + firing, or 0
  std::vector<Gathering> gatherings;
};

// By transition: positions of tokens or groups.
using SavedLines = std::vector<std::pair<std::uint32_t, std::vector<std::uint32_t>>>;

struct Image {
  std::vector<SavedGroup> groups;
  std::vector<SavedToken> tokens;
  std::vector<SavedFiring> firings;
  SavedLines key_lines;                // complete keys, each as a token that has it
  SavedLines group_lines;              // groups that the transition may close
  std::vector<std::uint32_t> enabled;  // by age
};

// What must agree for a session to mean the same. How many tokens its resources began with is no part of it.
std::uint64_t fingerprint(const FleetNet& net);

// Throws std::invalid_argument that says what is wrong, unless a session of this net can be as the bytes say: loading
// the image then breaks no invariant of the fleet, whoever made the bytes.
Image read_image(std::span<const std::byte> data, std::uint64_t fingerprint, const FleetNet& net);

// The first keyed arc of a transition, or null.
inline const InputArc* keyed_arc(const FleetNet& net, std::uint32_t transition) noexcept {
  for (const auto& arc : net.inputs[transition])
    if (net.queues[arc.queue].kind == QueueKind::kKeyed) return &arc;
  return nullptr;
}

}  // namespace petricore::fleet
