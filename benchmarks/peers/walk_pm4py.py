"""Random firings per CPU second: pm4py's token game."""

import json
import random
import sys
import time

from pm4py.objects.petri_net import semantics
from pm4py.objects.petri_net.obj import Marking, PetriNet
from pm4py.objects.petri_net.utils import petri_utils

described = json.load(sys.stdin)
seconds = float(sys.argv[1])
net, marking, places = PetriNet("net"), Marking(), {}
for name, tokens in described["places"].items():
    places[name] = petri_utils.add_place(net, name)
    if tokens:
        marking[places[name]] = tokens
for name, inputs, outputs in described["transitions"]:
    transition = petri_utils.add_transition(net, name, name)
    for place, weight in inputs.items():
        petri_utils.add_arc_from_to(places[place], transition, net, weight)
    for place, weight in outputs.items():
        petri_utils.add_arc_from_to(transition, places[place], net, weight)
rng = random.Random(1)
fired, start = 0, time.process_time()
while time.process_time() - start < seconds:
    enabled = sorted(semantics.enabled_transitions(net, marking), key=lambda one: one.name)
    if not enabled:
        break
    marking = semantics.execute(rng.choice(enabled), net, marking)
    fired += 1
print(fired / (time.process_time() - start))
