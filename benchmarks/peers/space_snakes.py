"""States of a whole state space per CPU second: SNAKES' state graph."""

import json
import sys
import time

from snakes.nets import MultiArc, PetriNet, Place, StateGraph, Transition, Value, dot

described = json.load(sys.stdin)
net = PetriNet("net")
for name, tokens in described["places"].items():
    net.add_place(Place(name, [dot] * tokens))
for name, inputs, outputs in described["transitions"]:
    net.add_transition(Transition(name))
    for add, arcs in ((net.add_input, inputs), (net.add_output, outputs)):
        for place, weight in arcs.items():
            add(place, name, Value(dot) if weight == 1 else MultiArc([Value(dot)] * weight))
start = time.process_time()
graph = StateGraph(net)
graph.build()
print(len(graph) / (time.process_time() - start))
