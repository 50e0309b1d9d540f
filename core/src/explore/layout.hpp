// Where each place of a packed marking lies.
#pragma once

#include <bit>
#include <cstdint>
#include <span>
#include <vector>

#include "petricore/net.hpp"

namespace petricore::explore {

using Word = std::uint64_t;

// A marking packed into words. A place that never holds a token takes nothing, and one that holds at most one is a
// *flag*: one bit. Any other place is a
// *counter*: enough bits for its largest value and, above them, a guard bit that is 0 in every marking. With all guards
// set, a subtraction of whole words compares all counters at once: a guard survives iff its counter was not below.
class Layout {
 public:
  struct Field {
    std::uint32_t word;
    std::uint8_t shift;
    std::uint8_t bits;  // of the value, without the guard
    bool flag;

    Word mask() const noexcept { return ((Word{1} << bits) - 1) << shift; }
    Word guard() const noexcept { return flag ? 0 : Word{1} << (shift + bits); }
    Word place_value(Count count) const noexcept { return static_cast<Word>(count) << shift; }
  };

  // largest: (P,) the largest value each place has to hold, at least 0. Counters may hold more, up to their mask.
  explicit Layout(std::span<const Count> largest);

  std::size_t words() const noexcept { return guards_.size(); }
  std::size_t places() const noexcept { return fields_.size(); }
  const Field& field(std::size_t place) const noexcept { return fields_[place]; }
  std::span<const Field> fields() const noexcept { return fields_; }
  std::span<const Word> guards() const noexcept { return guards_; }      // (W,) all guard bits
  std::span<const Word> counters() const noexcept { return counters_; }  // (W,) all value bits of counters
  bool has_flags() const noexcept { return has_flags_; }
  bool has_counters() const noexcept { return has_counters_; }

  // The largest value that the field of a place can hold.
  Count limit(std::size_t place) const noexcept { return static_cast<Count>((Word{1} << fields_[place].bits) - 1); }
  Count count(const Word* packed, std::size_t place) const noexcept {
    const Field& field = fields_[place];
    return static_cast<Count>((packed[field.word] >> field.shift) & ((Word{1} << field.bits) - 1));
  }
  // False, and `packed` unspecified, if a count does not fit.
  bool encode(const Count* marking, Word* packed) const noexcept;
  void decode(const Word* packed, Count* marking) const noexcept {
    for (std::size_t p = 0; p < fields_.size(); ++p) marking[p] = count(packed, p);
  }

 private:
  std::vector<Field> fields_;
  std::vector<Word> guards_, counters_;
  bool has_flags_ = false, has_counters_ = false;
};

// The hash of a marking is the exclusive or of one hash per word, so that a firing only has to exchange those of the
// words it changes.
constexpr Word hash_key(std::size_t i) noexcept {  // splitmix64 (Steele, Lea, Flood 2014, 10.1145/2714064.2660195)
  Word z = (i + 1) * 0x9E3779B97F4A7C15U;
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9U;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBU;
  return z ^ (z >> 31);
}

[[gnu::always_inline]] inline Word hash_word(Word word, std::size_t i) noexcept {
  __extension__ using Wide = unsigned __int128;
  const Wide product = static_cast<Wide>(word ^ hash_key(2 * i)) * (hash_key(2 * i + 1) | 1);
  return static_cast<Word>(product) ^ static_cast<Word>(product >> 64);
}

inline Word hash_words(const Word* words, std::size_t size) noexcept {
  Word hash = 0;
  for (std::size_t i = 0; i < size; ++i) hash ^= hash_word(words[i], i);
  return hash;
}

}  // namespace petricore::explore
