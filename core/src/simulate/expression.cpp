#include "petricore/expression.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <map>

namespace petricore {
namespace {

using Op = Expression::Op;
using Instruction = Expression::Instruction;

constexpr std::size_t kMostInstructions = std::size_t{1} << 16;
constexpr int kMostDepth = 256;  // of nested operations: the parser recurses

double value_of(const Instruction& i, const Count* marking, const double* r) noexcept {
  switch (i.op) {
    case Op::kConstant:
      return i.constant;
    case Op::kTokens:
      return marking[i.a];
    case Op::kAdd:
      return r[i.a] + r[i.b];
    case Op::kSubtract:
      return r[i.a] - r[i.b];
    case Op::kMultiply:
      return r[i.a] * r[i.b];
    case Op::kDivide:
      return r[i.a] / r[i.b];
    case Op::kPower:
      return std::pow(r[i.a], r[i.b]);
    case Op::kNegate:
      return -r[i.a];
    case Op::kMinimum:  // of a NaN and a number, the NaN: it must not go unnoticed
      return r[i.a] < r[i.b] || std::isnan(r[i.a]) ? r[i.a] : r[i.b];
    case Op::kMaximum:
      return r[i.a] > r[i.b] || std::isnan(r[i.a]) ? r[i.a] : r[i.b];
    case Op::kSquareRoot:
      return std::sqrt(r[i.a]);
    case Op::kExponential:
      return std::exp(r[i.a]);
    case Op::kLogarithm:
      return std::log(r[i.a]);
    case Op::kFloor:
      return std::floor(r[i.a]);
    case Op::kAbsolute:
      return std::abs(r[i.a]);
    case Op::kLess:
      return r[i.a] < r[i.b] ? 1 : 0;
    case Op::kLessEqual:
      return r[i.a] <= r[i.b] ? 1 : 0;
    case Op::kEqual:
      return r[i.a] == r[i.b] ? 1 : 0;
    case Op::kAnd:
      return r[i.a] != 0 && r[i.b] != 0 ? 1 : 0;
    case Op::kOr:
      return r[i.a] != 0 || r[i.b] != 0 ? 1 : 0;
    case Op::kNot:
      return r[i.a] == 0 ? 1 : 0;
    case Op::kSelect:
      return std::isnan(r[i.a]) ? r[i.a] : (r[i.a] != 0 ? r[i.b] : r[i.c]);
  }
  return 0;
}

bool starts_name(char c) noexcept {
  const auto byte = static_cast<unsigned char>(c);
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || byte >= 0x80;
}
bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }

enum class Kind : std::uint8_t { kEnd, kNumber, kName, kQuoted, kSymbol };

struct Token {
  Kind kind = Kind::kEnd;
  std::string text;  // of a name; a symbol as it stands
  double number = 0;
  std::size_t at = 0;
};

class Lexer {
 public:
  explicit Lexer(std::string_view text) : text_(text) {}

  Token next() {
    while (at_ < text_.size() && std::string_view(" \t\r\n").find(text_[at_]) != std::string_view::npos) ++at_;
    if (at_ == text_.size()) return {Kind::kEnd, "the end", 0, at_};
    const char c = text_[at_];
    if (is_digit(c) || (c == '.' && at_ + 1 < text_.size() && is_digit(text_[at_ + 1]))) return number();
    if (starts_name(c)) return name();
    if (c == '"') return quoted();
    return symbol();
  }

 private:
  Token number() {
    Token token{Kind::kNumber, {}, 0, at_};
    const auto [end, error] = std::from_chars(text_.data() + at_, text_.data() + text_.size(), token.number);
    const auto last = static_cast<std::size_t>(end - text_.data());
    token.text = text_.substr(at_, last - at_);
    if (error != std::errc()) throw ExpressionError("the number " + token.text + " is out of range", at_);
    at_ = last;
    if (at_ < text_.size() && starts_name(text_[at_]))
      throw ExpressionError("a name cannot follow the number " + token.text, at_);
    return token;
  }

  Token name() {
    const std::size_t first = at_;
    const auto in_name = [this](std::size_t i) {
      return i < text_.size() && (starts_name(text_[i]) || is_digit(text_[i]));
    };
    while (in_name(at_) || (at_ < text_.size() && text_[at_] == '.' && in_name(at_ + 1))) ++at_;
    return {Kind::kName, std::string(text_.substr(first, at_ - first)), 0, first};
  }

  Token quoted() {
    Token token{Kind::kQuoted, {}, 0, at_};
    for (++at_; at_ < text_.size() && text_[at_] != '"'; ++at_) {
      if (text_[at_] == '\\' && at_ + 1 < text_.size()) ++at_;
      token.text += text_[at_];
    }
    if (at_ == text_.size()) throw ExpressionError("the quotation mark is not closed", token.at);
    ++at_;
    return token;
  }

  Token symbol() {
    const std::size_t first = at_;
    for (const std::string_view two : {"<=", ">=", "==", "!="}) {
      if (text_.substr(at_, 2) == two) {
        at_ += 2;
        return {Kind::kSymbol, std::string(two), 0, first};
      }
    }
    if (std::string_view("+-*/^(),<>").find(text_[at_]) == std::string_view::npos)
      throw ExpressionError(std::string("'") + text_[at_] + "' means nothing here", at_);
    return {Kind::kSymbol, std::string(1, text_[at_++]), 0, first};
  }

  std::string_view text_;
  std::size_t at_ = 0;
};

struct Function {
  std::string_view name;
  Op op;
  std::size_t least, most;  // arguments
};
constexpr std::size_t kAny = ~std::size_t{0};
constexpr Function kFunctions[] = {
    {"min", Op::kMinimum, 1, kAny},  {"max", Op::kMaximum, 1, kAny}, {"sqrt", Op::kSquareRoot, 1, 1},
    {"exp", Op::kExponential, 1, 1}, {"log", Op::kLogarithm, 1, 1},  {"floor", Op::kFloor, 1, 1},
    {"abs", Op::kAbsolute, 1, 1},    {"if", Op::kSelect, 3, 3},
};

// By recursive descent; each rule returns the register of what it has read.
class Parser {
 public:
  Parser(std::string_view text, const Expression::Resolve& resolve) : lexer_(text), resolve_(resolve) { advance(); }

  std::vector<Instruction> parse() {
    either();
    if (token_.kind != Kind::kEnd) fail("an operator is expected before " + shown());
    return std::move(instructions_);
  }

 private:
  using Register = std::uint32_t;

  class Nesting {
   public:
    explicit Nesting(Parser& parser) : depth_(parser.depth_) {
      if (++depth_ > kMostDepth) parser.fail("more than 256 operations are nested");
    }
    Nesting(const Nesting&) = delete;
    Nesting& operator=(const Nesting&) = delete;
    ~Nesting() { --depth_; }

   private:
    int& depth_;
  };

  [[noreturn]] void fail(const std::string& what) const { throw ExpressionError(what, token_.at); }

  std::string shown() const {
    return token_.kind == Kind::kEnd ? token_.text : std::string("'").append(token_.text).append("'");
  }

  void advance() { token_ = lexer_.next(); }

  bool at(std::string_view text) const {
    return (token_.kind == Kind::kSymbol || token_.kind == Kind::kName) && token_.text == text;
  }
  bool take(std::string_view text) {
    if (!at(text)) return false;
    advance();
    return true;
  }
  void expect(std::string_view text) {
    if (!take(text)) fail("'" + std::string(text) + "' is expected before " + shown());
  }

  Register emit(Instruction instruction) {
    if (instructions_.size() == kMostInstructions) fail("the expression has more than 65536 operations");
    instructions_.push_back(instruction);
    return static_cast<Register>(instructions_.size() - 1);
  }
  Register emit(Op op, Register a, Register b = 0, Register c = 0) { return emit({op, a, b, c, 0}); }

  Register either() {
    const Nesting nesting(*this);
    Register left = both();
    while (take("or")) left = emit(Op::kOr, left, both());
    return left;
  }

  Register both() {
    Register left = negation();
    while (take("and")) left = emit(Op::kAnd, left, negation());
    return left;
  }

  Register negation() {
    const Nesting nesting(*this);
    return take("not") ? emit(Op::kNot, negation()) : comparison();
  }

  Register comparison() {
    const Register left = sum();
    if (take("<")) return emit(Op::kLess, left, sum());
    if (take("<=")) return emit(Op::kLessEqual, left, sum());
    if (take("==")) return emit(Op::kEqual, left, sum());
    if (take(">")) return swapped(Op::kLess, left);
    if (take(">=")) return swapped(Op::kLessEqual, left);
    if (take("!=")) return emit(Op::kNot, emit(Op::kEqual, left, sum()));
    return left;
  }
  Register swapped(Op op, Register left) {
    const Register right = sum();
    return emit(op, right, left);
  }

  Register sum() {
    Register left = product();
    for (;;) {
      if (take("+")) {
        left = emit(Op::kAdd, left, product());
      } else if (take("-")) {
        left = emit(Op::kSubtract, left, product());
      } else {
        return left;
      }
    }
  }

  Register product() {
    Register left = sign();
    for (;;) {
      if (take("*")) {
        left = emit(Op::kMultiply, left, sign());
      } else if (take("/")) {
        left = emit(Op::kDivide, left, sign());
      } else {
        return left;
      }
    }
  }

  Register sign() {
    const Nesting nesting(*this);
    if (take("+")) return sign();
    return take("-") ? emit(Op::kNegate, sign()) : power();
  }

  Register power() {
    const Register base = primary();
    return take("^") ? emit(Op::kPower, base, sign()) : base;
  }

  Register primary() {
    if (take("(")) {
      const Register inner = either();
      expect(")");
      return inner;
    }
    const Token token = token_;
    if (token.kind == Kind::kNumber) {
      advance();
      return emit({Op::kConstant, 0, 0, 0, token.number});
    }
    const bool reserved = token.kind == Kind::kName && (at("and") || at("or") || at("not"));
    if (reserved || (token.kind != Kind::kName && token.kind != Kind::kQuoted))
      fail("a number, a place or '(' is expected before " + shown());
    advance();
    if (token.kind == Kind::kName && at("(")) return call(token);
    return tokens_of(token);
  }

  Register call(const Token& name) {
    const auto* function = std::ranges::find(kFunctions, std::string_view(name.text), &Function::name);
    if (function == std::end(kFunctions)) throw ExpressionError("there is no function '" + name.text + "'", name.at);
    expect("(");
    std::vector<Register> arguments{either()};
    while (take(",")) arguments.push_back(either());
    expect(")");
    if (arguments.size() < function->least || arguments.size() > function->most) {
      throw ExpressionError(name.text + " takes " + std::to_string(function->least) + " argument" +
                                (function->least == 1 ? "" : "s") + ", not " + std::to_string(arguments.size()),
                            name.at);
    }
    if (function->op == Op::kSelect) return emit(Op::kSelect, arguments[0], arguments[1], arguments[2]);
    if (function->most == 1) return emit(function->op, arguments[0]);
    Register result = arguments[0];
    for (std::size_t i = 1; i < arguments.size(); ++i) result = emit(function->op, result, arguments[i]);
    return result;
  }

  Register tokens_of(const Token& name) {
    std::uint32_t place = Expression::kUnknownName;
    try {
      place = resolve_(name.text);
    } catch (const ExpressionError& error) {
      throw ExpressionError(error.what(), name.at);
    }
    if (place == Expression::kUnknownName) throw ExpressionError("there is no place '" + name.text + "'", name.at);
    const auto [known, fresh] = loaded_.try_emplace(place, 0);
    if (fresh) known->second = emit(Op::kTokens, place);
    return known->second;
  }

  Lexer lexer_;
  const Expression::Resolve& resolve_;
  Token token_;
  int depth_ = 0;
  std::vector<Instruction> instructions_;
  std::map<std::uint32_t, Register> loaded_;  // the register of each place that was named before
};

}  // namespace

Expression Expression::parse(std::string_view text, const Resolve& resolve) {
  Expression expression;
  expression.instructions_ = Parser(text, resolve).parse();
  for (const Instruction& i : expression.instructions_) {
    if (i.op == Op::kTokens) expression.places_.push_back(i.a);
  }
  std::ranges::sort(expression.places_);
  return expression;
}

double Expression::evaluate(const Count* marking, double* registers) const noexcept {
  double last = 0;
  for (std::size_t i = 0; i < instructions_.size(); ++i)
    registers[i] = last = value_of(instructions_[i], marking, registers);
  return last;
}

double Expression::evaluate(const Count* marking) const {
  std::vector<double> registers(instructions_.size());
  return evaluate(marking, registers.data());
}

}  // namespace petricore
