"""Events per CPU second: simpn, the queue M/M/1 written as its own examples write it."""

import json
import random
import sys
import time

from simpn.simulator import SimProblem, SimToken

net = json.load(sys.stdin)
seconds = float(sys.argv[1])
arrivals, services = net["rates"]
rng = random.Random(1)
problem = SimProblem()
source, room, waiting, server, busy = (
    problem.add_var(name) for name in ("source", "room", "waiting", "server", "busy")
)
source.put(0)
server.put(0)
for _ in range(net["places"]["room"]):
    room.put(0)


def arrive(*_: object) -> list[SimToken]:
    return [SimToken(0, delay=rng.expovariate(arrivals)), SimToken(0)]


def start(*_: object) -> list[SimToken]:
    return [SimToken(0, delay=rng.expovariate(services))]


def end(*_: object) -> list[SimToken]:
    return [SimToken(0), SimToken(0)]


problem.add_event([source, room], [source, waiting], arrive)
problem.add_event([waiting, server], [busy], start)
problem.add_event([busy], [server, room], end)
firings, before = 0, time.process_time()
while time.process_time() - before < seconds and problem.step():
    firings += 1
# An arrival is one firing, a service two: two events of the queue are three firings.
print(firings * 2 / 3 / (time.process_time() - before))
