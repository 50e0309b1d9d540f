"""Events per CPU second: gillespy2's compiled SSA solver; compiling is not counted."""

import json
import os
import resource
import sys

import numpy as np
from gillespy2 import Model, Parameter, Reaction, Species, SSACSolver

os.environ["PYTHONPATH"] = os.pathsep.join(sys.path)  # its build tool starts the system's interpreter
net = json.load(sys.stdin)
seconds, events_each = float(sys.argv[1]), float(sys.argv[2])
model = Model(name="net")
for place, tokens in net["places"].items():
    model.add_species(Species(name=place, initial_value=tokens, mode="discrete"))
for (name, inputs, outputs), rate in zip(net["transitions"], net["rates"], strict=True):
    model.add_parameter(Parameter(name=f"k_{name}", expression=rate))
    model.add_reaction(Reaction(name=name, rate=f"k_{name}", reactants=inputs, products=outputs))
model.timespan(np.array([0.0, net["until"]]))
solver = SSACSolver(model=model)
solver.run(number_of_trajectories=1, seed=1)


def used() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)  # it runs as a program of its own
    return usage.ru_utime + usage.ru_stime


runs, start = 10, used()
while used() - start < seconds:
    before = used()
    solver.run(number_of_trajectories=runs, seed=2)
    figure = runs * events_each / (used() - before)
    runs *= 2
print(figure)
