// One thread's lanes: fills them with replicas, lets the kernel run, and takes out what has ended.
#pragma once

#include <array>
#include <atomic>
#include <cstdlib>
#include <memory>
#include <vector>

#include "petricore/simulate.hpp"
#include "simulate/bulk/kernel.hpp"
#include "simulate/bulk/lower.hpp"

namespace petricore::bulk {

// What the threads of a call share.
struct Job {
  const TimedNet& net;
  const SimulationOptions& options;
  const Lowered& lowered;
  Program program;
  const Kernel& kernel;
  SimulationResult& result;
  std::uint64_t rows;                  // points * replicas
  std::atomic<std::uint64_t> next{0};  // the first row no lane has taken
  std::atomic<std::uint64_t> events{0};
  std::atomic<bool> ended{false};
};

class Worker {
 public:
  explicit Worker(Job& job);

  // Runs some ten thousand events; false: nothing is left to do.
  bool advance();

  const std::vector<std::uint64_t>& left_out() const noexcept { return left_out_; }

 private:
  struct Free {
    void operator()(void* data) const noexcept { std::free(data); }
  };

  void refill(std::size_t lane);
  void finish(std::size_t lane, Ending ending);
  void write_grid(std::size_t lane, double time);

  Job& job_;
  std::unique_ptr<double, Free> memory_;
  Block block_{};
  std::uint64_t rounds_;  // per call of the kernel
  std::size_t running_ = 0;
  std::array<std::uint64_t, kLanes> rows_{};       // what each lane runs
  std::array<std::uint64_t, kLanes> grid_next_{};  // the first grid time not written
  std::vector<double> registers_, gathered_;
  std::vector<std::uint64_t> left_out_;
};

}  // namespace petricore::bulk
