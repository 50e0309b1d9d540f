// The only numpy code: arrays in (typed, C order, no copy) and out (owned by what fills them).
#pragma once

#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <new>
#include <span>
#include <vector>

// Accepted as it is or refused: conversions, and the errors that explain them, are the Python layer's.
template <class T>
using InArray = pybind11::array_t<T, pybind11::array::c_style>;

template <class T>
std::span<const T> view(const InArray<T>& array) {
  return {array.data(), static_cast<std::size_t>(array.size())};
}

// Hands a vector over to numpy without a copy.
template <class T>
pybind11::array_t<T> to_numpy(std::vector<T>&& values, std::vector<pybind11::ssize_t> shape = {}) {
  if (shape.empty()) shape = {static_cast<pybind11::ssize_t>(values.size())};
  auto owner = std::make_unique<std::vector<T>>(std::move(values));
  T* data = owner->data();
  pybind11::capsule base(owner.release(), [](void* vector) { delete static_cast<std::vector<T>*>(vector); });
  return pybind11::array_t<T>(std::move(shape), data, base);
}

// Zeros, most of which stay so: a page costs memory and time when it is written. (numpy's own arrays ask for huge
// pages, and a single entry then costs a whole one.) Throws std::bad_alloc.
template <class T>
pybind11::array_t<T> sparse_zeros(std::size_t rows, std::size_t columns) {
  std::unique_ptr<void, decltype(&std::free)> memory(std::calloc(std::max<std::size_t>(rows * columns, 1), sizeof(T)),
                                                     &std::free);
  if (memory == nullptr) throw std::bad_alloc();
  T* data = static_cast<T*>(memory.get());
  pybind11::capsule base(memory.release(), [](void* block) { std::free(block); });
  return pybind11::array_t<T>({static_cast<pybind11::ssize_t>(rows), static_cast<pybind11::ssize_t>(columns)}, data,
                              base);
}

// A read-only view of memory that stays in place as long as `owner` lives.
template <class T>
pybind11::array_t<T> read_only_view(std::span<const T> values, pybind11::handle owner) {
  pybind11::array_t<T> array(static_cast<pybind11::ssize_t>(values.size()), values.data(), owner);
  array.attr("setflags")(pybind11::arg("write") = false);
  return array;
}
