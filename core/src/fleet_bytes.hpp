// Integers as bytes: LEB128, the same on every machine, with a checksum at the end.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

namespace petricore::fleet {

// FNV-1a, 64 bits.
constexpr std::uint64_t checksum(std::span<const std::byte> data, std::uint64_t h = 0xcbf29ce484222325u) noexcept {
  for (const auto byte : data) h = (h ^ static_cast<std::uint64_t>(byte)) * 0x100000001b3u;
  return h;
}

class ByteWriter {
 public:
  void put(std::uint64_t value) {
    for (; value >= 0x80; value >>= 7) bytes_.push_back(static_cast<std::byte>(value | 0x80));
    bytes_.push_back(static_cast<std::byte>(value));
  }
  void put_signed(std::int64_t value) {
    put((static_cast<std::uint64_t>(value) << 1) ^ static_cast<std::uint64_t>(value >> 63));
  }
  template <typename Values>
  void put_list(const Values& values) {
    put(values.size());
    for (const auto value : values) put(value);
  }
  // The bytes, with their checksum.
  std::vector<std::byte> finish() && {
    const auto sum = checksum(bytes_);
    for (int shift = 0; shift < 64; shift += 8) bytes_.push_back(static_cast<std::byte>(sum >> shift));
    return std::move(bytes_);
  }

 private:
  std::vector<std::byte> bytes_;
};

// Throws std::invalid_argument when the bytes are not what a writer finished.
class ByteReader {
 public:
  explicit ByteReader(std::span<const std::byte> data) {
    if (data.size() < 8) bad("it is cut off");
    std::uint64_t sum = 0;
    for (std::size_t i = 0; i < 8; ++i) sum |= static_cast<std::uint64_t>(data[data.size() - 8 + i]) << (8 * i);
    rest_ = data.first(data.size() - 8);
    if (checksum(rest_) != sum) bad("its checksum is wrong");
  }

  [[noreturn]] static void bad(const std::string& why) { throw std::invalid_argument("saved session: " + why); }

  std::uint64_t get() {
    std::uint64_t value = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
      if (rest_.empty()) bad("it is cut off");
      const auto byte = static_cast<std::uint64_t>(rest_.front());
      rest_ = rest_.subspan(1);
      if (shift == 63 && byte > 1) break;
      value |= (byte & 0x7f) << shift;
      if ((byte & 0x80) == 0) return value;
    }
    bad("an integer has more than 64 bits");
  }
  // One below `limit`.
  std::uint32_t get(std::uint64_t limit, const char* what) {
    const auto value = get();
    if (value >= limit) bad(std::string(what) + " " + std::to_string(value) + " is not below " + std::to_string(limit));
    return static_cast<std::uint32_t>(value);
  }
  std::int64_t get_signed() {
    const auto value = get();
    return static_cast<std::int64_t>(value >> 1) ^ -static_cast<std::int64_t>(value & 1);
  }
  // A count of things that take a byte each at least.
  std::size_t get_count() {
    const auto n = get();
    if (n > rest_.size()) bad("it is cut off");
    return static_cast<std::size_t>(n);
  }
  std::vector<std::uint32_t> get_list(std::uint64_t limit, const char* what) {
    std::vector<std::uint32_t> values(get_count());
    for (auto& value : values) value = get(limit, what);
    return values;
  }
  bool done() const noexcept { return rest_.empty(); }

 private:
  std::span<const std::byte> rest_;
};

}  // namespace petricore::fleet
