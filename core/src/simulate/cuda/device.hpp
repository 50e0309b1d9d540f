// The few calls that direct.cu makes to a device: to CUDA's runtime, or, where no CUDA compiler compiles this, to a
// stand-in that has one device, the CPU, and runs the threads of a launch one after the other.
#pragma once

#include <cstddef>
#include <cstdint>

#if defined(__CUDACC__)
#include <cuda_runtime.h>
#else
#include <cstdlib>
#include <cstring>
#endif

namespace petricore::cuda::device {

#if defined(__CUDACC__)

inline const char* text_of(cudaError_t error) { return error == cudaSuccess ? nullptr : cudaGetErrorString(error); }

inline const char* probe() {
  int devices = 0;
  const char* wrong = text_of(cudaGetDeviceCount(&devices));
  if (wrong != nullptr) return wrong;
  return devices > 0 ? nullptr : "no CUDA device is visible";
}

inline const char* free_bytes(std::size_t& bytes) {
  std::size_t total = 0;
  return text_of(cudaMemGetInfo(&bytes, &total));
}

// Threads that fill the device.
inline const char* full_load(std::uint64_t& threads) {
  int device = 0, processors = 0, each = 0;
  if (const char* wrong = text_of(cudaGetDevice(&device))) return wrong;
  if (const char* wrong = text_of(cudaDeviceGetAttribute(&processors, cudaDevAttrMultiProcessorCount, device))) {
    return wrong;
  }
  if (const char* wrong = text_of(cudaDeviceGetAttribute(&each, cudaDevAttrMaxThreadsPerMultiProcessor, device))) {
    return wrong;
  }
  threads = static_cast<std::uint64_t>(processors) * static_cast<std::uint64_t>(each);
  return nullptr;
}

inline const char* allocate(void** memory, std::size_t bytes) { return text_of(cudaMalloc(memory, bytes)); }
inline void release(void* memory) { cudaFree(memory); }
inline const char* clear(void* memory, std::size_t bytes) { return text_of(cudaMemset(memory, 0, bytes)); }
inline const char* upload(void* to, const void* from, std::size_t bytes) {
  return text_of(cudaMemcpy(to, from, bytes, cudaMemcpyHostToDevice));
}
inline const char* download(void* to, const void* from, std::size_t bytes) {
  return text_of(cudaMemcpy(to, from, bytes, cudaMemcpyDeviceToHost));
}

__device__ inline std::uint64_t add(std::uint64_t* counter, std::uint64_t count) {
  return atomicAdd(reinterpret_cast<unsigned long long*>(counter), static_cast<unsigned long long>(count));
}

#else

inline const char* probe() { return nullptr; }
inline const char* free_bytes(std::size_t& bytes) {
  bytes = std::size_t{1} << 28;
  return nullptr;
}
inline const char* full_load(std::uint64_t& threads) {
  threads = 96;
  return nullptr;
}
inline const char* allocate(void** memory, std::size_t bytes) {
  *memory = std::malloc(bytes);
  return *memory == nullptr ? "out of memory" : nullptr;
}
inline void release(void* memory) { std::free(memory); }
inline const char* clear(void* memory, std::size_t bytes) {
  std::memset(memory, 0, bytes);
  return nullptr;
}
inline const char* upload(void* to, const void* from, std::size_t bytes) {
  std::memcpy(to, from, bytes);
  return nullptr;
}
inline const char* download(void* to, const void* from, std::size_t bytes) { return upload(to, from, bytes); }

inline std::uint64_t add(std::uint64_t* counter, std::uint64_t count) {
  const std::uint64_t before = *counter;
  *counter += count;
  return before;
}

#endif

}  // namespace petricore::cuda::device
