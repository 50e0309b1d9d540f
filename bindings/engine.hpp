// The compiled net with all that is computed from it once, as one object that Python can hold.
#pragma once

#include <memory>
#include <mutex>
#include <optional>

#include "petricore/bulk.hpp"
#include "petricore/net.hpp"
#include "petricore/state.hpp"

struct CoreEngine {
  explicit CoreEngine(petricore::NetSpec spec) : net(std::move(spec)), bulk(net) {}

  // Built when the first State asks.
  const petricore::FiringTables& firing_tables() const {
    std::call_once(once_, [this] { tables_.emplace(net); });
    return *tables_;
  }

  petricore::Net net;
  petricore::Bulk bulk;

 private:
  mutable std::once_flag once_;
  mutable std::optional<petricore::FiringTables> tables_;
};
