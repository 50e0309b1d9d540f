// Arithmetic over a marking, compiled once and evaluated millions of times.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "petricore/types.hpp"

namespace petricore {

// What is wrong with the text of an expression, and at which character.
class ExpressionError : public std::invalid_argument {
 public:
  ExpressionError(const std::string& what, std::size_t where) : std::invalid_argument(what), position(where) {}
  std::size_t position;
};

// + - * / ^ (power, right-associative), unary -, parentheses, numbers, names of places (an identifier, or any text in
// double quotes), min(a, b, ...), max(a, b, ...), sqrt, exp, log, floor, abs, and if(condition, a, b) with
// comparisons < <= > >= == != (1 or 0), `and`, `or`, `not`. All of it in double precision; both branches of if are
// evaluated. A register program without jumps, so that many markings are evaluated side by side.
//
// Immutable: any thread may evaluate it.
class Expression {
 public:
  enum class Op : std::uint8_t {
    kConstant,
    kTokens,
    kAdd,
    kSubtract,
    kMultiply,
    kDivide,
    kPower,
    kNegate,
    kMinimum,
    kMaximum,
    kSquareRoot,
    kExponential,
    kLogarithm,
    kFloor,
    kAbsolute,
    kLess,
    kLessEqual,
    kEqual,
    kAnd,
    kOr,
    kNot,
    kSelect
  };
  // Register i is the result of instruction i; a, b and c are earlier registers (kTokens: a is the place).
  struct Instruction {
    Op op;
    std::uint32_t a = 0, b = 0, c = 0;
    double constant = 0;
  };

  // Maps a name to the place it means, or throws what is to be told about it (an ExpressionError gets the position).
  using Resolve = std::function<std::uint32_t(std::string_view name)>;
  static constexpr std::uint32_t kUnknownName = ~std::uint32_t{0};

  // Throws ExpressionError; `resolve` may return kUnknownName. At most 2^16 instructions.
  static Expression parse(std::string_view text, const Resolve& resolve);

  std::span<const Instruction> instructions() const noexcept { return instructions_; }
  // The places it depends on, ascending.
  std::span<const std::uint32_t> places() const noexcept { return places_; }

  // `registers` has room for instructions().size() doubles: no allocation.
  double evaluate(const Count* marking, double* registers) const noexcept;
  double evaluate(const Count* marking) const;

 private:
  std::vector<Instruction> instructions_;
  std::vector<std::uint32_t> places_;
};

}  // namespace petricore
