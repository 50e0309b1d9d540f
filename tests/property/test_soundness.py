"""Soundness against its definition on all reachable markings."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import assume, given
from hypothesis import strategies as st

from petricore import Net
from petricore.analysis.soundness import soundness
from tests.property.nets import nets
from tests.property.oracle import Marking, Oracle
from tests.property.test_coverability import EVERY_KIND, fired
from tests.property.ways import threads_at_once


def graph(net: Net, most: int = 1500) -> dict[Marking, list[tuple[str, Marking]]] | None:
    """All reachable markings with their successors; None if there are more than `most`."""
    oracle = Oracle(net)
    edges: dict[Marking, list[tuple[str, Marking]]] = {}
    frontier = [oracle.initial]
    while frontier:
        at = frontier.pop()
        if at in edges:
            continue
        edges[at] = []
        for t, transition in enumerate(oracle.transitions):
            after = oracle.fire(at, t)
            if after is not None:
                edges[at].append((transition.name, after))
                frontier.append(after)
        if len(edges) > most:
            return None
    return edges


def leading_to(edges: dict[Marking, list[tuple[str, Marking]]], goals: set[Marking]) -> set[Marking]:
    found = set(goals)
    while True:
        more = {m for m, out in edges.items() if m not in found and any(to in found for _, to in out)}
        if not more:
            return found
        found |= more


@st.composite
def random_nets(draw: st.DrawFn, kinds: tuple[str, ...]) -> Net:
    """Random nets that start in p0; most are no workflow nets, and the definitions do not ask that they are."""
    net = draw(nets(kinds=kinds, weights=2, tokens=0, max_places=4, max_transitions=5))
    if len(net.places) < 2:
        net.add_place("p1")
    return net


@st.composite
def workflows(draw: st.DrawFn) -> Net:
    """Blocks within blocks, so sound; with an arc too many or too few, or another weight, maybe not any more."""
    net = Net("workflow")
    net.add_place("p0")
    net.add_place("p1")

    def place() -> str:
        return net.add_place(f"p{len(net.places)}").name

    def transition(inputs: list[str], outputs: list[str]) -> None:
        net.add_transition(f"t{len(net.transitions)}", inputs, outputs)

    def block(first: str, last: str, depth: int) -> None:
        kind = draw(st.sampled_from(["step", "sequence", "choice", "parallel", "loop"])) if depth else "step"
        if kind == "step":
            transition([first], [last])
        elif kind == "sequence":
            middle = place()
            block(first, middle, depth - 1)
            block(middle, last, depth - 1)
        elif kind == "choice":
            block(first, last, depth - 1)
            block(first, last, depth - 1)
        elif kind == "parallel":
            left, right, left_done, right_done = place(), place(), place(), place()
            transition([first], [left, right])
            block(left, left_done, depth - 1)
            block(right, right_done, depth - 1)
            transition([left_done, right_done], [last])
        else:
            middle, after = place(), place()
            transition([first], [middle])
            block(middle, after, depth - 1)
            block(after, middle, depth - 1)
            transition([after], [last])

    block("p0", "p1", draw(st.integers(0, 3)))
    if draw(st.booleans()):
        name = draw(st.sampled_from(list(net.transitions)))
        odd = draw(st.sampled_from(list(net.places)))
        changed = net.transitions[name]
        kind = draw(st.sampled_from(["inputs", "outputs", "reads", "inhibitors", "resets"]))
        arcs = dict.fromkeys(changed.resets, 1) if kind == "resets" else dict(getattr(changed, kind))
        if odd in arcs and draw(st.booleans()):
            del arcs[odd]
        else:
            arcs[odd] = 1 if kind == "resets" else arcs.get(odd, 0) + 1
        net._transitions[name] = replace(changed, **{kind: tuple(arcs) if kind == "resets" else arcs})
    return net


@given(random_nets(EVERY_KIND) | workflows(), st.sampled_from([None, None, 1, 3, 10]))
def test_each_part_agrees_with_its_definition(net: Net, limit: int | None) -> None:
    places = list(net.places)
    started = net.compile().net()
    started._places["p0"] = replace(started._places["p0"], tokens=1)
    edges = graph(started)
    assume(edges is not None)
    assert edges is not None
    oracle = Oracle(started)
    final = tuple(int(p == "p1") for p in places)
    done = {m for m in edges if m[1] >= 1}
    can_finish = leading_to(edges, done)
    ends = leading_to(edges, {final} & set(edges))
    labels = {t for out in edges.values() for t, _ in out}
    useful = {t for out in edges.values() for t, to in out if to in ends}
    truth = {
        "option_to_complete": can_finish == set(edges),
        "proper_completion": done <= {final},
        "no_dead_transitions": labels == set(net.transitions),
        "bounded": True,
        "easy": oracle.initial in ends,
        "relaxed": useful == set(net.transitions),
        "weak": can_finish == set(edges) and done <= {final},
    }
    for threads in (1, 2):
        with threads_at_once():
            found = soundness(net.compile(), "p0", "p1", limit=limit, threads=threads)
        for part, expected in truth.items():
            answer = getattr(found, part)
            assert answer == expected or (answer is None and limit is not None), part
        sound = not found.faults and truth["weak"] and truth["no_dead_transitions"]
        assert found.sound == sound or (found.sound is None and limit is not None)
        assert not set(found.dead_transitions) & labels
        if found.stuck is not None:
            assert fired(oracle, oracle.initial, found.stuck) not in can_finish
        if found.improper is not None:
            at = fired(oracle, oracle.initial, found.improper)
            assert at in done
            assert at != final
        assert (found.stuck is not None) == (found.option_to_complete is False)
        assert (found.improper is not None) == (found.proper_completion is False)


@given(random_nets(("reads", "capacities")) | workflows())
def test_unbounded_nets_are_unsound_and_what_is_said_of_them_holds(net: Net) -> None:
    found = soundness(net.compile(), "p0", "p1")
    if found.bounded is not False:
        return
    assert found.sound is False
    assert found.unboundedness is not None
    started = net.compile().net()
    started._places["p0"] = replace(started._places["p0"], tokens=1)
    oracle = Oracle(started)
    if found.improper is not None:
        at = fired(oracle, oracle.initial, found.improper)
        assert at[1] >= 1
        assert sum(at) > 1
    # Breadth first over a part of the markings: nothing seen there may contradict what was said.
    seen = {oracle.initial}
    frontier = [oracle.initial]
    while frontier and len(seen) < 300:
        at = frontier.pop(0)
        for t, transition in enumerate(oracle.transitions):
            after = oracle.fire(at, t)
            if after is None:
                continue
            assert transition.name not in found.dead_transitions
            if found.proper_completion:
                assert after[1] == 0 or sum(after) == 1
            if after not in seen:
                seen.add(after)
                frontier.append(after)
