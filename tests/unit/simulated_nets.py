"""Small nets that the tests of simulation run."""

from __future__ import annotations

import petricore as pc


def queue(rate: float = 0.8) -> pc.Engine:
    net = pc.Net("queue")
    net.add_place("waiting")
    net.add_transition("arrive", outputs=["waiting"], rate=rate)
    net.add_transition("serve", inputs=["waiting"])
    return net.compile()


def decay(tokens: int = 10) -> pc.Engine:
    net = pc.Net("decay")
    net.add_place("a", tokens)
    net.add_place("b")
    net.add_transition("t", inputs=["a"], outputs=["b"], rate=pc.MassAction(1.0))
    return net.compile()
