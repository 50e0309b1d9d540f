"""Random firings per CPU second: plain Python with an incremental enabled list."""

import json
import random
import sys
import time

net = json.load(sys.stdin)
seconds = float(sys.argv[1])
index = {place: i for i, place in enumerate(net["places"])}
marking = list(net["places"].values())
inputs = [[(index[p], w) for p, w in arcs.items()] for _, arcs, _ in net["transitions"]]
outputs = [[(index[p], w) for p, w in arcs.items()] for _, _, arcs in net["transitions"]]
consumers = [
    [t for t, arcs in enumerate(inputs) if any(p == q for q, _ in arcs)] for p in range(len(marking))
]
affected = [sorted({u for p, _ in inputs[t] + outputs[t] for u in consumers[p]}) for t in range(len(inputs))]
enabled: list[int] = []
position = [-1] * len(inputs)


def refresh(t: int) -> None:
    on = all(marking[p] >= w for p, w in inputs[t])
    if on and position[t] < 0:
        position[t] = len(enabled)
        enabled.append(t)
    elif not on and position[t] >= 0:
        last = enabled.pop()
        if last != t:
            enabled[position[t]] = last
            position[last] = position[t]
        position[t] = -1


for t in range(len(inputs)):
    refresh(t)
rng = random.Random(1)
fired, start = 0, time.process_time()
while enabled and time.process_time() - start < seconds:
    for _ in range(200):
        t = enabled[int(rng.random() * len(enabled))]
        for p, w in inputs[t]:
            marking[p] -= w
        for p, w in outputs[t]:
            marking[p] += w
        for u in affected[t]:
            refresh(u)
        fired += 1
        if not enabled:
            break
print(fired / (time.process_time() - start))
