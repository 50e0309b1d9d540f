"""Random firings per CPU second: simpn, whose bindings are drawn as its own simulation draws them."""

import json
import random
import sys
import time
from functools import partial

from simpn.simulator import SimProblem, SimToken

described = json.load(sys.stdin)
seconds = float(sys.argv[1])
problem = SimProblem()
places = {name: problem.add_place(name) for name in described["places"]}
for name, tokens in described["places"].items():
    for _ in range(tokens):
        places[name].put(0)


def spread(arcs: dict[str, int]) -> list[object]:
    """simpn's arcs carry one token each, so a weight is written as so many arcs."""
    return [places[place] for place, weight in arcs.items() for _ in range(weight)]


def outputs_of(count: int, *_: object) -> list[SimToken]:
    return [SimToken(0)] * count


for name, inputs, outputs in described["transitions"]:
    taken, put = spread(inputs), spread(outputs)
    problem.add_event(taken, put, partial(outputs_of, len(put)), name=name)
rng = random.Random(1)
fired, start = 0, time.process_time()
while time.process_time() - start < seconds:
    bindings = problem.bindings()
    if not bindings:
        break
    problem.fire(rng.choice(bindings))
    fired += 1
print(fired / (time.process_time() - start))
