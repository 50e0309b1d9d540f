"""States of a whole state space per CPU second: pm4py's reachability graph."""

import json
import sys
import time

from pm4py.objects.petri_net.obj import Marking, PetriNet
from pm4py.objects.petri_net.utils import petri_utils, reachability_graph

described = json.load(sys.stdin)
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
start = time.process_time()
graph = reachability_graph.construct_reachability_graph(net, marking)
print(len(graph.states) / (time.process_time() - start))
