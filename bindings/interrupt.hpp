// Ctrl-C, time limits and progress for computations that run without the GIL.
#pragma once

#include <pybind11/pybind11.h>

#include <chrono>
#include <cmath>
#include <cstdint>
#include <memory>

#include "petricore/stop.hpp"

// Made with the GIL held, polled without it, and asked afterwards, with the GIL, for what Python raised meanwhile:
//
//   Interrupt interrupt(progress, seconds);
//   {
//     const py::gil_scoped_release unlocked;
//     result = compute(..., interrupt.stop());
//   }
//   interrupt.rethrow();
class Interrupt {
 public:
  // `progress` is None or a callable of one count; it is called at most ten times a second. `seconds` may be infinite.
  explicit Interrupt(pybind11::object progress = pybind11::none(), double seconds = INFINITY)
      : progress_(std::move(progress)), started_(Clock::now()), looked_(started_), seconds_(seconds) {}

  // REQUIRES: this outlives the computation.
  petricore::Stop stop() {
    return [this](std::uint64_t done) { return poll(done); };
  }

  bool timed_out() const noexcept { return timed_out_; }

  // Throws what a signal handler or `progress` raised.
  void rethrow() const {
    if (error_) throw pybind11::error_already_set(*error_);
  }

 private:
  using Clock = std::chrono::steady_clock;

  bool poll(std::uint64_t done) {
    const auto now = Clock::now();
    if (std::chrono::duration<double>(now - started_).count() > seconds_) timed_out_ = true;
    if (timed_out_ || error_) return true;
    if (now - looked_ < std::chrono::milliseconds(50)) return false;
    looked_ = now;
    const pybind11::gil_scoped_acquire locked;
    try {
      if (PyErr_CheckSignals() != 0) throw pybind11::error_already_set();
      if (!progress_.is_none() && now - told_ > std::chrono::milliseconds(100)) {
        told_ = now;
        progress_(done);
      }
    } catch (pybind11::error_already_set& error) {
      error_ = std::make_unique<pybind11::error_already_set>(error);
    }
    return error_ != nullptr;
  }

  pybind11::object progress_;
  Clock::time_point started_, looked_, told_{};
  double seconds_;
  bool timed_out_ = false;
  std::unique_ptr<pybind11::error_already_set> error_;
};
