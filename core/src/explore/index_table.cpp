#include "index_table.hpp"

namespace petricore::explore {

void IndexTable::reset(std::size_t capacity, std::uint64_t indices, bool tight) noexcept {
  entries_.clear(this->capacity());
  buckets_ = capacity / kBucket;
  size_ = 0;
  tight_ = tight;
  most_ = tight ? capacity / 16 * 15 : capacity / 16 * 13;
  const std::uint64_t largest = std::max<std::uint64_t>(indices, most_) + 1;
  const int bits = std::min(32, static_cast<int>(std::bit_width(largest)));
  index_mask_ = bits == 32 ? ~std::uint32_t{0} : (std::uint32_t{1} << bits) - 1;
}

}  // namespace petricore::explore
