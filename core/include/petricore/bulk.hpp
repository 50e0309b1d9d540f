// Enabledness and enabling degrees of whole batches of markings.
#pragma once

#include <cstdint>
#include <memory>

#include "petricore/net.hpp"

namespace petricore {

// Answers for many markings at once. Markings are rows of P counts, C order.
//
// Inside, 64 markings at a time are turned place-major and narrowed to the smallest type that holds all bounds of the
// net (saturated, which keeps every comparison exact), so that one instruction tests one arc of up to 64 markings.
//
// Immutable after construction; any thread may call it. `threads` = 0 means as many as pay off, at most one per core.
// All functions throw NegativeTokens if a marking holds a negative count; the output is unspecified then.
class Bulk {
 public:
  // REQUIRES: `net` outlives this.
  explicit Bulk(const Net& net);
  ~Bulk();
  Bulk(const Bulk&) = delete;
  Bulk& operator=(const Bulk&) = delete;

  // out: (batch, T) bytes, 1 where enabled and 0 elsewhere. Costs O(batch * (P + input arcs)) / 64 instructions or so.
  void enabled(const Count* markings, std::size_t batch, std::uint8_t* out, unsigned threads = 0) const;

  // out: (batch, T) counts, the enabling degrees; 0 where disabled, kMaxTokens where nothing bounds it.
  void enabling_degree(const Count* markings, std::size_t batch, Count* out, unsigned threads = 0) const;

  // masks: (T,) words; bit l says whether t is enabled in row l. `first_row` is what errors count rows from.
  // REQUIRES: rows <= kBlock.
  static constexpr std::size_t kBlock = 64;
  void masks(const Count* markings, std::size_t rows, std::uint64_t* masks, std::size_t first_row = 0) const;

  const Net& net() const noexcept { return net_; }

  // The instruction set in use: "baseline", "avx2" or "avx512".
  static const char* simd_level() noexcept;

 private:
  struct Tables;

  const Net& net_;
  std::unique_ptr<const Tables> tables_;
};

}  // namespace petricore
