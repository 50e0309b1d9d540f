#include "petricore/bulk.hpp"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <new>
#include <variant>

#include "parallel.hpp"
#include "petricore/error.hpp"
#include "simd/kernels.hpp"

namespace petricore {
namespace {

using simd::kLanes;

// Uninitialised and aligned for the widest vectors.
template <class T>
class Buffer {
 public:
  explicit Buffer(std::size_t size)
      : data_(static_cast<T*>(std::aligned_alloc(64, (size * sizeof(T) + 64) / 64 * 64))) {
    if (data_ == nullptr) throw std::bad_alloc();
  }
  T* get() noexcept { return data_.get(); }

 private:
  struct Free {
    void operator()(T* data) const noexcept { std::free(data); }
  };
  std::unique_ptr<T, Free> data_;
};

template <class Lane>
simd::TestTable<Lane> test_table(const Net& net) {
  simd::TestTable<Lane> table;
  table.least_offsets.push_back(0);
  table.most_offsets.push_back(0);
  for (std::size_t t = 0; t < net.transitions(); ++t) {
    for (const Link& link : net.links(t)) {
      // A bound that no count meets cannot be narrowed: "at least 1 and at most 0" says the same.
      const Count least = link.most < 0 ? 1 : link.least;
      const Count most = link.most < 0 ? 0 : link.most;
      if (least > 0) table.least.push_back({link.place, static_cast<Lane>(least)});
      if (most < kMaxTokens) table.most.push_back({link.place, static_cast<Lane>(most)});
    }
    table.least_offsets.push_back(static_cast<std::uint32_t>(table.least.size()));
    table.most_offsets.push_back(static_cast<std::uint32_t>(table.most.size()));
  }
  return table;
}

// How often t fires at once is bounded place by place (see Link): all its claims together must be covered, and each
// firing must find its bounds met after the ones before it.
simd::DegreeTable degree_table(const Net& net) {
  simd::DegreeTable table;
  table.offsets.push_back(0);
  for (std::size_t t = 0; t < net.transitions(); ++t) {
    Count ceiling = kMaxTokens;
    for (const Link& link : net.links(t)) {
      const Count delta = link.delta();
      if (link.resets) {
        if (!link.admits(link.output)) ceiling = 1;
        if (link.input > 0) table.terms.push_back({link.place, 0, link.input, false, false});
      } else {
        if (delta < 0) table.terms.push_back({link.place, link.least, -delta, false, true});
        if (link.input > 0 && link.output > 0) table.terms.push_back({link.place, 0, link.input, false, false});
        if (delta > 0 && link.most < kMaxTokens) table.terms.push_back({link.place, link.most, delta, true, true});
      }
    }
    table.ceilings.push_back(ceiling);
    table.offsets.push_back(static_cast<std::uint32_t>(table.terms.size()));
  }
  return table;
}

[[noreturn]] void throw_negative(const Count* markings, std::size_t rows, std::size_t places, std::size_t first_row) {
  const Count* negative = std::find_if(markings, markings + rows * places, [](Count count) { return count < 0; });
  const std::size_t at = static_cast<std::size_t>(negative - markings);
  throw NegativeTokens(first_row + at / places, at % places, *negative);
}

const auto& lane_kernels(const simd::TestTable<std::uint8_t>&) { return simd::kernels().u8; }
const auto& lane_kernels(const simd::TestTable<std::uint16_t>&) { return simd::kernels().u16; }
const auto& lane_kernels(const simd::TestTable<Count>&) { return simd::kernels().i32; }

// Packs `rows` markings into `block` and tests them into `ok`. `first_row` is what errors count rows from.
template <class Lane>
void test_block(const simd::TestTable<Lane>& table, const Count* markings, std::size_t rows, std::size_t places,
                std::size_t first_row, Lane* block, std::uint8_t* ok) {
  const auto& kernels = lane_kernels(table);
  if (kernels.pack(markings, rows, places, block) < 0) throw_negative(markings, rows, places, first_row);
  kernels.test(table, block, ok);
}

// 64 bytes of 0 and 1 as the bits of a word.
std::uint64_t gather_bits(const std::uint8_t* flags) {
  std::uint64_t word = 0;
  for (std::size_t i = 0; i < 8; ++i) {
    std::uint64_t eight;
    std::memcpy(&eight, flags + 8 * i, sizeof(eight));
    // Each product bit lands where no other does, so the top byte collects the eight flags in order.
    word |= ((eight * 0x0102040810204080U) >> 56) << (8 * i);
  }
  return word;
}

std::size_t bytes_of(const Net& net, std::size_t batch, std::size_t out_size) {
  return batch * (net.places() * sizeof(Count) + net.transitions() * out_size);
}

}  // namespace

struct Bulk::Tables {
  std::variant<simd::TestTable<std::uint8_t>, simd::TestTable<std::uint16_t>, simd::TestTable<Count>> tests;
  simd::TestTable<Count> wide_tests;
  simd::DegreeTable degrees;
};

Bulk::Bulk(const Net& net) : net_(net) {
  Count largest = 0;
  for (std::size_t t = 0; t < net.transitions(); ++t) {
    for (const Link& link : net.links(t)) {
      largest = std::max(largest, link.least);
      if (link.most < kMaxTokens) largest = std::max(largest, link.most);
    }
  }
  auto tables = std::make_unique<Tables>();
  // The saturation value itself must lie above every bound.
  if (largest < 0xFF) {
    tables->tests = test_table<std::uint8_t>(net);
  } else if (largest < 0xFFFF) {
    tables->tests = test_table<std::uint16_t>(net);
  } else {
    tables->tests = test_table<Count>(net);
  }
  tables->wide_tests = test_table<Count>(net);
  tables->degrees = degree_table(net);
  tables_ = std::move(tables);
}

Bulk::~Bulk() = default;

const char* Bulk::simd_level() noexcept { return simd::kernels().level; }

void Bulk::enabled(const Count* markings, std::size_t batch, std::uint8_t* out, unsigned threads) const {
  const std::size_t places = net_.places();
  const std::size_t transitions = net_.transitions();
  constexpr std::size_t kChunk = 4 * kLanes;
  std::visit(
      [&](const auto& table) {
        using Lane = std::decay_t<decltype(table.least.front().bound)>;
        parallel_for(batch, kChunk, thread_count(threads, bytes_of(net_, batch, 1)),
                     [&](std::size_t begin, std::size_t end) {
                       Buffer<Lane> block(places * kLanes);
                       Buffer<std::uint8_t> ok(transitions * kLanes);
                       for (std::size_t first = begin; first < end; first += kLanes) {
                         const std::size_t rows = std::min(kLanes, end - first);
                         test_block(table, markings + first * places, rows, places, first, block.get(), ok.get());
                         simd::kernels().spread(ok.get(), rows, transitions, out + first * transitions);
                       }
                     });
      },
      tables_->tests);
}

void Bulk::enabling_degree(const Count* markings, std::size_t batch, Count* out, unsigned threads) const {
  const std::size_t places = net_.places();
  const std::size_t transitions = net_.transitions();
  parallel_for(
      batch, kLanes, thread_count(threads, bytes_of(net_, batch, sizeof(Count))),
      [&](std::size_t first, std::size_t end) {
        Buffer<Count> block(places * kLanes);
        Buffer<std::uint8_t> ok(transitions * kLanes);
        test_block(tables_->wide_tests, markings + first * places, end - first, places, first, block.get(), ok.get());
        simd::kernels().degrees(tables_->degrees, block.get(), ok.get(), end - first, out + first * transitions);
      });
}

void Bulk::masks(const Count* markings, std::size_t rows, std::uint64_t* masks, std::size_t first_row) const {
  const std::uint64_t present = rows == kBlock ? ~std::uint64_t{0} : (std::uint64_t{1} << rows) - 1;
  std::visit(
      [&](const auto& table) {
        using Lane = std::decay_t<decltype(table.least.front().bound)>;
        Buffer<Lane> block(net_.places() * kLanes);
        Buffer<std::uint8_t> ok(net_.transitions() * kLanes);
        test_block(table, markings, rows, net_.places(), first_row, block.get(), ok.get());
        for (std::size_t t = 0; t < net_.transitions(); ++t) masks[t] = gather_bits(ok.get() + t * kLanes) & present;
      },
      tables_->tests);
}

}  // namespace petricore
