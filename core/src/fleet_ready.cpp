#include "fleet_ready.hpp"

namespace petricore::fleet {

bool ReadyLines::pop(Pair& pair) {
  for (std::uint32_t line = 0; line < fifos_.size(); ++line) {
    auto& fifo = fifos_[line];
    const bool woken_here = !woken_.empty() && woken_.begin()->line == line;
    if (woken_here && (fifo.empty() || *woken_.begin() < fifo.front())) {
      pair = *woken_.begin();
      woken_.erase(woken_.begin());
      return true;
    }
    if (!fifo.empty()) {
      pair = fifo.front();
      fifo.pop_front();
      return true;
    }
  }
  return false;
}

void ReadyLines::leave(std::size_t resource, const Pair& pair) {
  auto& line = waits_[resource];
  const auto it = line.find(pair);
  const bool head = it == line.begin();
  line.erase(it);
  --waiting_;
  if (head) wake(resource);
}

}  // namespace petricore::fleet
