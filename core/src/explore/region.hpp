// Memory that grows without moving.
#pragma once

#include <algorithm>
#include <cstddef>
#include <new>
#include <span>
#include <utility>

namespace petricore::explore {

// Address space for a number of bytes, all zero; memory is taken page by page as it is touched, and in huge pages
// beyond the first few megabytes. Movable, not copyable.
class Region {
 public:
  Region() = default;
  // Reserves `bytes`, or as much below it as the system grants. Throws std::bad_alloc below 1 MiB.
  explicit Region(std::size_t bytes);
  ~Region();
  Region(Region&& other) noexcept
      : data_(std::exchange(other.data_, nullptr)), bytes_(std::exchange(other.bytes_, 0)) {}
  Region& operator=(Region&& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(bytes_, other.bytes_);
    return *this;
  }
  Region(const Region&) = delete;
  Region& operator=(const Region&) = delete;

  void* data() const noexcept { return data_; }
  std::size_t bytes() const noexcept { return bytes_; }

  // The first `used` bytes are zero again, and their memory is given back where there is much of it.
  void clear(std::size_t used) noexcept;

 private:
  void* data_ = nullptr;
  std::size_t bytes_ = 0;
};

// A vector in a Region: appending never moves what is there.
template <class T>
class GrowingArray {
 public:
  GrowingArray() = default;
  explicit GrowingArray(std::size_t capacity) : region_(capacity * sizeof(T)), capacity_(region_.bytes() / sizeof(T)) {}
  GrowingArray(GrowingArray&& other) noexcept { *this = std::move(other); }
  GrowingArray& operator=(GrowingArray&& other) noexcept {
    std::swap(region_, other.region_);
    std::swap(capacity_, other.capacity_);
    std::swap(size_, other.size_);
    return *this;
  }
  GrowingArray(const GrowingArray&) = delete;
  GrowingArray& operator=(const GrowingArray&) = delete;
  ~GrowingArray() = default;

  T* data() const noexcept { return static_cast<T*>(region_.data()); }
  std::size_t size() const noexcept { return size_; }
  std::size_t capacity() const noexcept { return capacity_; }
  std::span<const T> view() const noexcept { return {data(), size_}; }

  // REQUIRES: size <= capacity(). New elements are zero, or what was there before a shrink.
  void resize(std::size_t size) noexcept { size_ = size; }
  // The first `used` elements are zero again.
  void clear(std::size_t used) noexcept { region_.clear(used * sizeof(T)); }
  // REQUIRES: size() < capacity().
  void push_back(T value) noexcept { data()[size_++] = value; }

 private:
  Region region_;
  std::size_t capacity_ = 0, size_ = 0;
};

}  // namespace petricore::explore
