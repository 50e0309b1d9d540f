"""Events per CPU second: the direct method in numpy, 1,000 replicas side by side."""

import json
import sys
import time

import numpy as np

net = json.load(sys.stdin)
seconds = float(sys.argv[1])
index = {place: i for i, place in enumerate(net["places"])}
transitions = net["transitions"]
pre = np.zeros((len(transitions), len(index)), np.int64)
delta = np.zeros_like(pre)
for t, (_, consumed, produced) in enumerate(transitions):
    for p, w in consumed.items():
        pre[t, index[p]] += w
        delta[t, index[p]] -= w
    for p, w in produced.items():
        delta[t, index[p]] += w
rates, until, mass_action = np.array(net["rates"]), net["until"], net["mass_action"]
rng = np.random.default_rng(1)
events, start = 0, time.process_time()
while time.process_time() - start < seconds:
    marking = np.tile(np.array(list(net["places"].values()), np.int64), (1000, 1))
    now = np.zeros(1000)
    while len(now):
        if mass_action:  # inputs of weight 1
            chosen = np.where(pre[None] > 0, marking[:, None, :], 1).prod(axis=2)
            propensities = rates * chosen
        else:
            propensities = rates * (marking[:, None, :] >= pre[None]).all(axis=2)
        sums = propensities.cumsum(axis=1)
        total = sums[:, -1]
        with np.errstate(divide="ignore"):
            now += rng.exponential(size=len(now)) / total
        going = now <= until
        fired = (rng.random(len(now)) * total)[:, None] < sums
        marking = (marking + delta[fired.argmax(axis=1)])[going]
        now = now[going]
        events += int(going.sum())
print(events / (time.process_time() - start))
