"""Events per CPU second: rebop, a direct method in Rust."""

import json
import sys
import time

import rebop

net = json.load(sys.stdin)
seconds, events_each = float(sys.argv[1]), float(sys.argv[2])
model = rebop.Gillespie()
for (_, inputs, outputs), rate in zip(net["transitions"], net["rates"], strict=True):
    spread = [[place for place, weight in arcs.items() for _ in range(weight)] for arcs in (inputs, outputs)]
    model.add_reaction(rate, *spread)
runs, start = 0, time.process_time()
while time.process_time() - start < seconds:
    model.run(net["places"], tmax=net["until"], nb_steps=1, rng=runs)
    runs += 1
print(runs * events_each / (time.process_time() - start))
