"""Random firings per CPU second: SNAKES."""

import json
import random
import sys
import time

from snakes.nets import MultiArc, PetriNet, Place, Transition, Value, dot

described = json.load(sys.stdin)
seconds = float(sys.argv[1])
net = PetriNet("net")
for name, tokens in described["places"].items():
    net.add_place(Place(name, [dot] * tokens))
for name, inputs, outputs in described["transitions"]:
    net.add_transition(Transition(name))
    for add, arcs in ((net.add_input, inputs), (net.add_output, outputs)):
        for place, weight in arcs.items():
            add(place, name, Value(dot) if weight == 1 else MultiArc([Value(dot)] * weight))
transitions = net.transition()
rng = random.Random(1)
fired, start = 0, time.process_time()
while time.process_time() - start < seconds:
    enabled = [(one, modes) for one in transitions if (modes := one.modes())]
    if not enabled:
        break
    transition, modes = rng.choice(enabled)
    transition.fire(modes[0])
    fired += 1
print(fired / (time.process_time() - start))
