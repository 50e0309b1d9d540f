"""States of a whole state space per CPU second: sets of tuples."""

import json
import sys
import time
from collections import deque

described = json.load(sys.stdin)
index = {name: i for i, name in enumerate(described["places"])}
rows = [
    ([(index[p], w) for p, w in inputs.items()], [(index[p], w) for p, w in outputs.items()])
    for _, inputs, outputs in described["transitions"]
]
start = time.process_time()
initial = tuple(described["places"].values())
found, queue = {initial}, deque([initial])
while queue:
    marking = queue.popleft()
    for inputs, outputs in rows:
        if all(marking[p] >= w for p, w in inputs):
            after = list(marking)
            for p, w in inputs:
                after[p] -= w
            for p, w in outputs:
                after[p] += w
            key = tuple(after)
            if key not in found:
                found.add(key)
                queue.append(key)
print(len(found) / (time.process_time() - start))
