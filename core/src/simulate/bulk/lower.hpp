// Building the tables of a Program.
#pragma once

#include <vector>

#include "petricore/simulate.hpp"
#include "simulate/bulk/program.hpp"
#include "simulate/cuda/direct.hpp"

namespace petricore::bulk {

// Owns what a Program points to. Not to be moved once program() was taken.
class Lowered {
 public:
  // REQUIRES: suits(net, options).
  Lowered(const TimedNet& net, const SimulationOptions& options);

  Program program() const noexcept;
  cuda::TableSizes sizes() const noexcept;

  // The observable that each watch gathers for.
  const std::vector<std::uint32_t>& watched() const noexcept { return watched_; }
  // No count beyond it may go on for kGuardRounds unlooked at: it could pass kMaxTokens.
  double guard() const noexcept;

 private:
  Formula add(const Predicate& predicate);
  void add(const Expression& expression, std::uint32_t& first, std::uint32_t& last);
  void add_row(const TimedNet& net, std::size_t t);

  const SimulationOptions& options_;
  std::uint32_t places_;
  std::vector<Row> rows_;
  std::vector<std::uint32_t> immediates_;
  std::vector<Test> least_, most_;
  std::vector<DegreeTerm> degrees_;
  std::vector<Reactant> reactants_;
  std::vector<Effect> effects_;
  std::vector<Instruction> code_;
  std::vector<Atom> atoms_;
  std::vector<Term> terms_;
  std::vector<Watch> watches_;
  std::vector<std::uint32_t> watched_;
  std::size_t registers_ = 0;
  Formula end_when_{};
  double largest_gain_ = 0;
};

}  // namespace petricore::bulk
