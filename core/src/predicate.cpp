#include "petricore/predicate.hpp"

#include <stdexcept>

namespace petricore {

Predicate::Predicate(std::size_t places, Csr<Term> terms, std::vector<Atom> atoms)
    : places_(places), terms_(std::move(terms)), atoms_(std::move(atoms)) {
  constexpr std::int64_t kMostWeight = std::int64_t{1} << 32;
  const std::size_t size = atoms_.size();
  if (size == 0) throw std::invalid_argument("a predicate has at least one atom");
  if (terms_.rows() != size) throw std::invalid_argument("a predicate has one row of terms for each atom");
  for (std::size_t i = 0; i < size; ++i) {
    for (const std::uint32_t target : {atoms_[i].on_true, atoms_[i].on_false}) {
      if (target <= i || target > size + 1) throw std::invalid_argument("a jump of a predicate does not go forward");
    }
    std::int64_t weights = 0;
    for (const Term& term : terms_[i]) {
      if (term.place >= places) throw std::invalid_argument("a predicate names a place that is not there");
      const bool small = -kMostWeight <= term.weight && term.weight <= kMostWeight;
      weights += small ? (term.weight < 0 ? -term.weight : term.weight) : kMostWeight + 1;
      if (weights > kMostWeight) throw std::invalid_argument("the weights of an atom of a predicate exceed 2^32");
    }
  }
}

bool Predicate::holds(const Count* marking) const noexcept {
  std::size_t at = 0;
  while (at < atoms_.size()) {
    const Atom& atom = atoms_[at];
    at = sum(at, marking) <= atom.constant ? atom.on_true : atom.on_false;
  }
  return at == atoms_.size();
}

}  // namespace petricore
