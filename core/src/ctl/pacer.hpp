// Asks a stop check now and then.
#pragma once

#include <cstdint>

#include "petricore/stop.hpp"

namespace petricore {

// `due()` is called once per edge or so, and asks every 2^17 times, some milliseconds of work.
class Pacer {
 public:
  explicit Pacer(const Stop& stop) : stop_(stop) {}

  bool due(std::uint64_t steps = 1) {
    done_ += steps;
    if (done_ < next_) return false;
    next_ = done_ + kEvery;
    return stop_ && stop_(done_);
  }

 private:
  static constexpr std::uint64_t kEvery = std::uint64_t{1} << 17;

  const Stop& stop_;
  std::uint64_t done_ = 0, next_ = kEvery;
};

}  // namespace petricore
