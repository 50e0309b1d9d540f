#include "petricore/expression.hpp"

#include <doctest/doctest.h>

#include <cmath>

namespace petricore::test {
namespace {

// Places a, b and "my place".
std::uint32_t resolve(std::string_view name) {
  if (name == "a") return 0;
  if (name == "b") return 1;
  return name == "my place" || name == "min" ? 2 : Expression::kUnknownName;
}

double value(std::string_view text, std::vector<Count> marking = {3, 5, 7}) {
  return Expression::parse(text, resolve).evaluate(marking.data());
}

// The position and the words of what is wrong.
std::pair<std::size_t, std::string> wrong(std::string_view text) {
  try {
    value(text);
  } catch (const ExpressionError& error) {
    return {error.position, error.what()};
  }
  return {0, "nothing"};
}

}  // namespace

TEST_CASE("operators bind as they do in mathematics") {
  CHECK(value("a + 2*b") == 13);
  CHECK(value("a - b - 1") == -3);
  CHECK(value("2^3^2") == 512);
  CHECK(value("-2^2") == -4);
  CHECK(value("2^-1") == 0.5);
  CHECK(value("(a+b)/4*.5") == 1);
  CHECK(value("1.5e1 - -a") == 18);
  CHECK(value("a < b and not b <= a or 0") == 1);
  CHECK(value("a > b") == 0);
  CHECK(value("a >= 3") == 1);
  CHECK(value("a != 3") == 0);
  CHECK(value("a == 3") == 1);
}

TEST_CASE("functions and quoted names are known, and a place may be called like a function") {
  CHECK(value("min(a, b, \"my place\")") == 3);
  CHECK(value("max(a, b, \"my place\")") == 7);
  CHECK(value("min") == 7);
  CHECK(value("sqrt(a + 1) + floor(2.9) + abs(-b)") == 9);
  CHECK(value("exp(0) + log(1)") == 1);
  CHECK(value("if(a > 2, b, 1/0)") == 5);
  CHECK(std::isnan(value("if(0/0, 1, 2)")));
  CHECK(std::isnan(value("min(1, 0/0)")));
  CHECK(std::isnan(value("max(0/0, 1)")));
}

TEST_CASE("an expression tells the places it depends on, ascending, and loads each once") {
  const Expression expression = Expression::parse("b * a + b", resolve);
  CHECK(std::vector(expression.places().begin(), expression.places().end()) == std::vector<std::uint32_t>{0, 1});
  CHECK(expression.instructions().size() == 4);
}

TEST_CASE("what is wrong with an expression is told with its position") {
  CHECK(wrong("") == std::pair<std::size_t, std::string>{0, "a number, a place or '(' is expected before the end"});
  CHECK(wrong("a + nowhere") == std::pair<std::size_t, std::string>{4, "there is no place 'nowhere'"});
  CHECK(wrong("a + sin(b)") == std::pair<std::size_t, std::string>{4, "there is no function 'sin'"});
  CHECK(wrong("a $ b") == std::pair<std::size_t, std::string>{2, "'$' means nothing here"});
  CHECK(wrong("(a") == std::pair<std::size_t, std::string>{2, "')' is expected before the end"});
  CHECK(wrong("a b") == std::pair<std::size_t, std::string>{2, "an operator is expected before 'b'"});
  CHECK(wrong("2a") == std::pair<std::size_t, std::string>{1, "a name cannot follow the number 2"});
  CHECK(wrong("sqrt(1, 2)") == std::pair<std::size_t, std::string>{0, "sqrt takes 1 argument, not 2"});
  CHECK(wrong("if(1)") == std::pair<std::size_t, std::string>{0, "if takes 3 arguments, not 1"});
  CHECK(wrong("\"a") == std::pair<std::size_t, std::string>{0, "the quotation mark is not closed"});
  CHECK(wrong("1e999") == std::pair<std::size_t, std::string>{0, "the number 1e999 is out of range"});
  CHECK(wrong(std::string(10'000, '(')).second == "more than 256 operations are nested");
  CHECK(wrong(std::string(10'000, '-')).second == "more than 256 operations are nested");
}

TEST_CASE("an expression has at most 65536 operations") {
  std::string sum = "a";
  for (int i = 0; i < 40'000; ++i) sum += "+1";
  CHECK(wrong(sum).second == "the expression has more than 65536 operations");
}

}  // namespace petricore::test
