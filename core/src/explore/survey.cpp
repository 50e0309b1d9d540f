// What holds of the markings of a space, found by looking at all of them.
#include <algorithm>
#include <atomic>
#include <mutex>
#include <thread>
#include <vector>

#include "explorer.hpp"
#include "parallel.hpp"
#include "petricore/state_space.hpp"
#include "store.hpp"

namespace petricore {

using explore::Word;

namespace {

constexpr std::size_t kChunk = std::size_t{1} << 14;

// Calls body(first, last) for chunks of the markings, until all are done (true) or `stop` says to end, which only the
// calling thread asks. `cost` is that of one marking, in bytes touched or so.
template <class Body>
bool for_each_chunk(std::size_t size, std::size_t cost, unsigned threads, const Stop& stop, const Body& body) {
  const std::thread::id caller = std::this_thread::get_id();
  std::atomic<bool> stopped{false};
  const std::size_t chunk = std::clamp<std::size_t>(64 * kChunk / std::max<std::size_t>(cost, 1), 64, kChunk);
  parallel_for(size, chunk, thread_count(threads, size * cost), [&](std::size_t first, std::size_t last) {
    if (stopped) return;
    if (stop && std::this_thread::get_id() == caller && stop(first)) {
      stopped = true;
      return;
    }
    body(first, last);
  });
  return !stopped;
}

}  // namespace

StateSpace::Bounds StateSpace::bounds(unsigned threads, const Stop& stop) const {
  const std::size_t places = net_.places();
  Bounds all{std::vector<Count>(places, 0), 0};
  std::mutex mutex;
  for_each_chunk(store_->size, places, threads, stop, [&](std::size_t first, std::size_t last) {
    Bounds mine{std::vector<Count>(places, 0), 0};
    for (std::size_t i = first; i < last; ++i) {
      const Word* state = store_->state(i);
      std::int64_t sum = 0;
      for (std::size_t p = 0; p < places; ++p) {
        const Count tokens = store_->layout.count(state, p);
        mine.places[p] = std::max(mine.places[p], tokens);
        sum += tokens;
      }
      mine.together = std::max(mine.together, sum);
    }
    const std::lock_guard lock(mutex);
    for (std::size_t p = 0; p < places; ++p) all.places[p] = std::max(all.places[p], mine.places[p]);
    all.together = std::max(all.together, mine.together);
  });
  return all;
}

std::vector<std::uint8_t> StateSpace::fireable(const Stop& stop) const {
  std::vector<std::uint8_t> seen(net_.transitions(), 0);
  std::vector<std::uint32_t> unseen;
  for (std::uint32_t t = 0; t < net_.transitions(); ++t) unseen.push_back(t);
  std::size_t looked = 0;
  for (std::size_t i = 0; i < store_->size && !unseen.empty(); ++i) {
    looked += unseen.size() + 1;
    if (looked >= kChunk) {
      if (stop && stop(i)) break;
      looked = 0;
    }
    const Word* state = store_->state(i);
    std::erase_if(unseen, [&](std::uint32_t t) {
      for (const Link& link : net_.links(t)) {
        if (!link.admits(store_->layout.count(state, link.place))) return false;
      }
      seen[t] = 1;
      return true;
    });
  }
  return seen;
}

bool StateSpace::evaluate(const Predicate& predicate, std::uint8_t* out, unsigned threads, const Stop& stop) const {
  const std::size_t cost = 16 + predicate.atoms().size();
  return for_each_chunk(store_->size, cost, threads, stop, [&](std::size_t first, std::size_t last) {
    for (std::size_t i = first; i < last; ++i) out[i] = explore::holds(predicate, store_->layout, store_->state(i));
  });
}

}  // namespace petricore
