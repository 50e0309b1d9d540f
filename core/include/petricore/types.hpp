// The words every other header uses: counts, indices and their limits.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>

namespace petricore {

// Tokens in a place, an arc's weight, a capacity. Checked wherever tokens are produced: it never wraps.
using Count = std::int32_t;
inline constexpr Count kMaxTokens = std::numeric_limits<Count>::max();

// The capacity of a place without one: only kMaxTokens bounds it, and reaching that is an error, not a disabling.
inline constexpr Count kUnbounded = kMaxTokens;

enum class PlaceId : std::uint32_t {};
enum class TransitionId : std::uint32_t {};

constexpr std::size_t index(PlaceId place) noexcept { return static_cast<std::size_t>(place); }
constexpr std::size_t index(TransitionId transition) noexcept { return static_cast<std::size_t>(transition); }

}  // namespace petricore
