#include "region.hpp"

#include <sys/mman.h>

namespace petricore::explore {

namespace {

constexpr std::size_t kHuge = std::size_t{1} << 21;
constexpr std::size_t kLeast = std::size_t{1} << 20;

}  // namespace

Region::Region(std::size_t bytes) : bytes_(std::max(bytes, kLeast)) {
  bytes_ = (bytes_ + kLeast - 1) / kLeast * kLeast;
  for (;; bytes_ /= 2) {
    if (bytes_ < kLeast) throw std::bad_alloc();
    data_ = mmap(nullptr, bytes_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (data_ != MAP_FAILED) break;
  }
#ifdef MADV_HUGEPAGE
  // A small space should not pay for zeroing huge pages.
  if (bytes_ > 4 * kHuge) madvise(static_cast<char*>(data_) + 2 * kHuge, bytes_ - 2 * kHuge, MADV_HUGEPAGE);
#endif
}

Region::~Region() {
  if (data_ != nullptr) munmap(data_, bytes_);
}

void Region::clear(std::size_t used) noexcept {
  constexpr std::size_t kKeep = std::size_t{1} << 16;  // below this, writing is cheaper than the page faults
  if (used <= kKeep) {
    std::fill_n(static_cast<char*>(data_), used, char{0});
    return;
  }
#ifdef __linux__
  // Here, and only here, pages of an anonymous private mapping read as zero after this.
  if (madvise(data_, std::min(bytes_, (used + kLeast - 1) / kLeast * kLeast), MADV_DONTNEED) == 0) return;
#endif
  std::fill_n(static_cast<char*>(data_), used, char{0});
}

}  // namespace petricore::explore
