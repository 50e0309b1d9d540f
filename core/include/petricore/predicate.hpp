// A boolean formula over one marking, compiled to comparisons with jumps.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "petricore/csr.hpp"
#include "petricore/types.hpp"

namespace petricore {

// A program of atoms: atom i asks whether sum(weight * m[place]) <= constant and goes on at on_true[i] or on_false[i].
// A target is a later atom, or A (the number of atoms: accept) or A + 1 (reject). So it always ends, looks only at what
// decides, and any formula in negation normal form has one, without a stack or recursion.
//
// Immutable: any thread may call it. Costs O(terms of the atoms visited).
class Predicate {
 public:
  struct Term {
    std::uint32_t place;
    std::int64_t weight;
  };
  struct Atom {
    std::int64_t constant;
    std::uint32_t on_true, on_false;
  };

  // Throws std::invalid_argument if there is no atom, tables differ in length, a jump does not go forward, or a place
  // is not below `places`.
  Predicate(std::size_t places, Csr<Term> terms, std::vector<Atom> atoms);

  bool holds(const Count* marking) const noexcept;

  // The sum of atom i. It cannot overflow: the constructor bounds each row's sum of weights by 2^32.
  std::int64_t sum(std::size_t atom, const Count* marking) const noexcept {
    std::int64_t total = 0;
    for (const Term& term : terms_[atom]) total += term.weight * marking[term.place];
    return total;
  }

  std::span<const Atom> atoms() const noexcept { return atoms_; }
  std::span<const Term> terms(std::size_t atom) const noexcept { return terms_[atom]; }
  std::size_t accept() const noexcept { return atoms_.size(); }
  std::size_t places() const noexcept { return places_; }

 private:
  std::size_t places_;
  Csr<Term> terms_;
  std::vector<Atom> atoms_;
};

}  // namespace petricore
