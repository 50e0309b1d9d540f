"""Events per CPU second: the direct method in plain Python, one replica after the other."""

import json
import math
import random
import sys
import time

net = json.load(sys.stdin)
seconds = float(sys.argv[1])
index = {place: i for i, place in enumerate(net["places"])}
initial = list(net["places"].values())
inputs = [[(index[p], w) for p, w in arcs.items()] for _, arcs, _ in net["transitions"]]
changes = []
for _, consumed, produced in net["transitions"]:
    delta = {index[p]: -w for p, w in consumed.items()}
    for p, w in produced.items():
        delta[index[p]] = delta.get(index[p], 0) + w
    changes.append([(p, d) for p, d in delta.items() if d])
rates, until, mass_action = net["rates"], net["until"], net["mass_action"]
rng = random.Random(1)


def propensity(t: int, marking: list[int]) -> float:
    if mass_action:
        return rates[t] * math.prod(math.comb(marking[p], w) for p, w in inputs[t])
    return rates[t] if all(marking[p] >= w for p, w in inputs[t]) else 0.0


events, start = 0, time.process_time()
while time.process_time() - start < seconds:
    marking, now = initial[:], 0.0
    while True:
        propensities = [propensity(t, marking) for t in range(len(rates))]
        total = sum(propensities)
        if not total:
            break
        now -= math.log(1.0 - rng.random()) / total
        if now > until:
            break
        left = rng.random() * total
        for t, a in enumerate(propensities):  # noqa: B007 - the last one stays where rounding leaves none
            left -= a
            if left < 0:
                break
        for p, d in changes[t]:
            marking[p] += d
        events += 1
print(events / (time.process_time() - start))
