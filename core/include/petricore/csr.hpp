// Compressed sparse rows: all rows of a table in one contiguous array.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

namespace petricore {

// Row r is items[offsets[r]] .. items[offsets[r + 1]]. Immutable once built, so shared between threads freely.
template <class T>
class Csr {
 public:
  Csr() : offsets_{0} {}

  // REQUIRES: offsets starts with 0, never decreases and ends with items.size().
  Csr(std::vector<std::uint32_t> offsets, std::vector<T> items)
      : offsets_(std::move(offsets)), items_(std::move(items)) {}

  static Csr from_rows(const std::vector<std::vector<T>>& rows) {
    Csr csr;
    csr.offsets_.reserve(rows.size() + 1);
    for (const auto& row : rows) csr.append(row);
    return csr;
  }

  void append(std::span<const T> row) {
    items_.insert(items_.end(), row.begin(), row.end());
    offsets_.push_back(static_cast<std::uint32_t>(items_.size()));
  }

  std::span<const T> operator[](std::size_t row) const noexcept {
    return {items_.data() + offsets_[row], items_.data() + offsets_[row + 1]};
  }

  std::size_t rows() const noexcept { return offsets_.size() - 1; }
  std::span<const std::uint32_t> offsets() const noexcept { return offsets_; }
  std::span<const T> items() const noexcept { return items_; }

 private:
  std::vector<std::uint32_t> offsets_;
  std::vector<T> items_;
};

}  // namespace petricore
