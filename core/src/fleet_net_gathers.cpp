// Which gather closes what a scatter opens: reachability that balances nested scatters with their gathers.
//
// S(x), the places that a token on x may come to within its innermost group, is the least solution of
//   x in S(x);
//   y in S(x), t consumes y by a non-gather arc and puts z, not as a list          =>  S(z) within S(x);
//   y in S(x), t consumes y by a non-gather arc and scatters to z                  =>  A(z) within S(x);
// where A(z), what comes out of a list that was put to z once it is gathered again, is
//   q in S(z), u gathers on q and puts w, not as a list  =>  S(w) within A(z);  ... and scatters to w  =>  A(w) within
//   A(z).
// (Balanced, "same-level" reachability: T. Reps, S. Horwitz, M. Sagiv, POPL 1995, doi:10.1145/199448.199462.)
// Only the gather places in these sets matter, so a set is a row of bits over the gather places.
#include <algorithm>

#include "fleet_net.hpp"

namespace petricore::fleet {

void FleetNet::compile_gathers() {
  std::vector<std::vector<GatherArc>> by_transition(transitions);
  std::vector<std::vector<std::uint32_t>> by_queue(queues.size()), by_place(places);
  for (std::uint32_t t = 0; t < transitions; ++t)
    for (const auto& arc : inputs[t])
      if (arc.mode == ArcMode::kGather) {
        by_transition[t].push_back({arc.queue, arc.weight});
        by_queue[arc.queue].push_back(t);
      }
  gather_column_.assign(has_gathers ? places : 0, kNone);
  for (std::uint32_t q = 0; q < queues.size(); ++q) {
    if (queues[q].kind != QueueKind::kGather) continue;
    const auto place = queues[q].place;
    if (by_place[place].empty()) {
      gather_column_[place] = static_cast<std::uint32_t>(gather_places_.size());
      gather_places_.push_back(place);
    }
    by_place[place].push_back(q);
  }
  gathers = Csr<GatherArc>::from_rows(by_transition);
  gather_transitions = Csr<std::uint32_t>::from_rows(by_queue);
  place_gathers = Csr<std::uint32_t>::from_rows(by_place);
}

void FleetNet::compile_reachability() {
  const auto columns = gather_places_.size();
  // Edges backwards: into[z] lists the places y from which one firing leads to z; plain_into those of S's second rule.
  std::vector<std::vector<std::uint32_t>> into(places), plain_into(places);
  for (std::uint32_t t = 0; t < transitions; ++t)
    for (const auto& in : inputs[t]) {
      if (in.mode == ArcMode::kRead) continue;
      for (const auto& out : outputs[t]) {
        into[out.place].push_back(in.place);
        if (in.mode != ArcMode::kGather && !out.scatter) plain_into[out.place].push_back(in.place);
      }
    }

  reach_ = BitTable(places, columns);
  std::vector<std::uint32_t> stack;
  for (std::uint32_t c = 0; c < columns; ++c) {
    stack = {gather_places_[c]};
    while (!stack.empty()) {
      const auto z = stack.back();
      stack.pop_back();
      for (const auto y : into[z])
        if (reach_.set(y, c)) stack.push_back(y);
    }
  }

  // balanced_ holds S without the rule x in S(x): after one firing or more. `own` adds it back.
  balanced_ = BitTable(places, columns);
  BitTable own(places, columns), after(places, columns);  // S and A
  std::vector<bool> queued(places, false);
  const auto push = [&](std::uint32_t place) {
    if (!queued[place]) {
      queued[place] = true;
      stack.push_back(place);
    }
  };
  const auto gain = [&](std::uint32_t y, const BitTable& table, std::uint32_t from) {
    if (balanced_.merge(y, table, from) && own.merge(y, balanced_, y)) push(y);
  };
  for (std::uint32_t c = 0; c < columns; ++c) {
    own.set(gather_places_[c], c);
    push(gather_places_[c]);
  }
  std::vector<std::uint32_t> gatherers;
  for (std::uint32_t t = 0; t < transitions; ++t)
    if (!gathers[t].empty()) gatherers.push_back(t);
  for (bool changed = true; changed;) {
    while (!stack.empty()) {
      const auto z = stack.back();
      stack.pop_back();
      queued[z] = false;
      for (const auto y : plain_into[z]) gain(y, own, z);
    }
    changed = false;
    for (std::uint32_t t = 0; t < transitions; ++t)
      for (const auto& out : outputs[t]) {
        if (!out.scatter) continue;
        const auto z = out.place;
        for (const auto u : gatherers) {
          const auto arcs = gathers[u];
          const bool closes = std::any_of(arcs.begin(), arcs.end(), [&](const GatherArc& arc) {
            return own.get(z, gather_column_[queues[arc.queue].place]);
          });
          if (!closes) continue;
          for (const auto& result : outputs[u]) changed |= after.merge(z, result.scatter ? after : own, result.place);
        }
        for (const auto& in : inputs[t])
          if (in.mode == ArcMode::kTake || in.mode == ArcMode::kDrain) gain(in.place, after, z);
      }
    changed = changed || !stack.empty();
  }

  // By queue: only the arcs that draw from it. Guards are fixed, so a token leaves its place by its own queues alone.
  queue_reach_ = BitTable(queues.size(), columns);
  queue_balanced_ = BitTable(queues.size(), columns);
  for (std::uint32_t t = 0; t < transitions; ++t)
    for (const auto& in : inputs[t]) {
      if (in.mode == ArcMode::kRead) continue;
      for (const auto& out : outputs[t]) {
        queue_reach_.merge(in.queue, reach_, out.place);
        if (gather_column_[out.place] != kNone) queue_reach_.set(in.queue, gather_column_[out.place]);
        if (in.mode != ArcMode::kGather) queue_balanced_.merge(in.queue, out.scatter ? after : own, out.place);
      }
    }
}

void FleetNet::compile_scatter_gathers() {
  std::vector<std::vector<std::uint32_t>> rows(places);
  std::vector<bool> scattered(places, false);
  for (std::uint32_t t = 0; t < transitions; ++t)
    for (const auto& out : outputs[t]) scattered[out.place] = scattered[out.place] || out.scatter;
  for (std::uint32_t z = 0; z < places; ++z) {
    if (!scattered[z]) continue;
    auto& row = rows[z];
    const auto include = [&](std::uint32_t q) {
      if (std::find(row.begin(), row.end(), q) == row.end()) row.push_back(q);
    };
    for (const auto place : gather_places_)
      if (place == z || reaches_balanced(z, place))
        for (const auto q : place_gathers[place]) include(q);
    // All gather arcs of a transition close the same group, so the others come along, reachable or not.
    for (std::size_t i = 0; i < row.size(); ++i)
      for (const auto t : gather_transitions[row[i]])
        for (const auto& arc : gathers[t]) include(arc.queue);
    std::sort(row.begin(), row.end());
  }
  scatter_gathers = Csr<std::uint32_t>::from_rows(rows);
}

}  // namespace petricore::fleet
