"""CTL, liveness and home markings are those of the definition; partial spaces never claim too much."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from hypothesis import assume, given
from hypothesis import strategies as st

from petricore import Net, _core
from petricore.analysis.ctl import Labelling, always_possible, graph_search, label
from petricore.analysis.formula import Compare, Formula, Temporal, Until
from petricore.analysis.liveness import home_states, is_reversible, live_search, live_transitions, terminals
from petricore.analysis.portfolio import Budget, Problem
from tests.property.examples import examples
from tests.property.formulas import Graph, ctl_formulas, state_formulas
from tests.property.nets import nets
from tests.property.oracle import Marking, Oracle
from tests.property.ways import threads_at_once

_MOST = 60


@st.composite
def small_nets(draw: st.DrawFn) -> Net:
    if draw(st.booleans()):
        return draw(nets(weights=1, tokens=2, max_transitions=7))
    return draw(nets(max_transitions=6, weights=3, tokens=4))


def _graph_of(net: Net) -> Graph:
    graph = Graph.explore(net, most=_MOST)
    assume(graph is not None)
    assert graph is not None
    return graph


def _replayed(net: Net, names: tuple[str, ...]) -> list[Marking]:
    oracle = Oracle(net)
    index = list(net.transitions)
    path = [oracle.initial]
    for name in names:
        after = oracle.fire(path[-1], index.index(name))
        assert after is not None
        path.append(after)
    return path


def _check_witness(graph: Graph, formula: Formula, holds: bool, path: list[Marking]) -> None:
    """The path shows that the formula holds, or does not, by what its temporal operator means."""
    at = [graph.markings.index(m) for m in path]

    def along(part: Formula) -> list[bool]:
        truth = graph.truth(part)
        return [truth[i] for i in at]

    maximal = not graph.successors[at[-1]] or at[-1] in at[:-1]
    match formula, holds:
        case Temporal("EX", inner), True:
            assert len(path) == 2
            assert along(inner)[1]
        case Temporal("AX", inner), False:
            assert len(path) == 2
            assert not along(inner)[1]
        case Temporal("EF", inner), True:
            assert along(inner)[-1]
        case Temporal("AG", inner), False:
            assert not along(inner)[-1]
        case Temporal("EG", inner), True:
            assert maximal
            assert all(along(inner))
        case Temporal("AF", inner), False:
            assert maximal
            assert not any(along(inner))
        case Until("E", left, right), True:
            assert along(right)[-1]
            assert all(along(left)[:-1])
        case Until("A", left, right), False:
            assert not any(along(right))
            assert maximal or not along(left)[-1]


@examples(60)
@given(st.data(), small_nets())
def test_a_labelling_is_that_of_the_definition(data: st.DataObject, net: Net) -> None:
    graph = _graph_of(net)
    formula = data.draw(ctl_formulas(net))
    expected = dict(zip(graph.markings, graph.truth(formula), strict=True))
    for threads in (1, 2):
        with threads_at_once():
            space = net.compile().state_space(threads=threads)
        truth = label(space, formula)
        assert {tuple(space.marking(i).tolist()): bool(truth.sure[i]) for i in range(len(space))} == expected
        assert np.array_equal(truth.sure, truth.possible)


@examples(60)
@given(st.data(), small_nets(), st.integers(1, 30))
def test_a_partial_space_claims_only_what_is_so(data: st.DataObject, net: Net, limit: int) -> None:
    graph = _graph_of(net)
    formula = data.draw(ctl_formulas(net))
    expected = dict(zip(graph.markings, graph.truth(formula), strict=True))
    for threads in (1, 2):
        with threads_at_once():
            space = net.compile().state_space(limit=limit, threads=threads)
        truth = label(space, formula)
        for i in range(len(space)):
            holds = expected[tuple(space.marking(i).tolist())]
            assert truth.sure[i] <= holds <= truth.possible[i]


@examples(60)
@given(st.data(), small_nets(), st.none() | st.integers(1, 30))
def test_a_verdict_is_right_and_its_witness_shows_it(
    data: st.DataObject, net: Net, limit: int | None
) -> None:
    graph = _graph_of(net)
    formula = data.draw(ctl_formulas(net))
    for threads in (1, 2):
        with threads_at_once():
            verdict = graph_search(Problem(net.compile(), formula), Budget(states=limit, threads=threads))
        if verdict.holds is None:
            assert limit is not None
            assert verdict.reason
            continue
        assert verdict.holds == graph.truth(formula)[0]
        if verdict.witness is not None:
            _check_witness(graph, formula, verdict.holds, _replayed(net, verdict.witness))


@examples(60)
@given(st.data(), small_nets(), st.sampled_from(["EX", "EF", "EG", "AX", "AF", "AG", "EU", "AU"]))
def test_what_a_path_can_show_is_shown_by_one(data: st.DataObject, net: Net, operator: str) -> None:
    graph = _graph_of(net)
    left, right = data.draw(state_formulas(net)), data.draw(state_formulas(net))
    formula: Formula
    if operator in ("EU", "AU"):
        formula = Until("E" if operator == "EU" else "A", left, right)
    else:
        formula = Temporal(operator, right)  # type: ignore[arg-type]
    verdict = graph_search(Problem(net.compile(), formula), Budget())
    assert verdict is not None
    assert verdict.holds == graph.truth(formula)[0]
    if verdict.holds == operator.startswith("E"):
        assert verdict.witness is not None
        _check_witness(graph, formula, bool(verdict.holds), _replayed(net, verdict.witness))


@examples(60)
@given(small_nets())
def test_liveness_and_home_markings_are_those_of_the_definition(net: Net) -> None:
    graph = _graph_of(net)
    engine = net.compile()
    space = engine.state_space()
    n = range(len(graph.markings))
    reached = []
    for i in n:
        seen, pending = {i}, [i]
        while pending:
            for j in graph.successors[pending.pop()]:
                if j not in seen:
                    seen.add(j)
                    pending.append(j)
        reached.append(seen)
    enabled = [graph.oracle.enabled(m) for m in graph.markings]
    live = [all(any(enabled[j][t] for j in reached[i]) for i in n) for t in range(len(net.transitions))]
    assert live_transitions(space).tolist() == live
    assert {tuple(space.marking(int(i)).tolist()) for i in home_states(space)} == {
        graph.markings[j] for j in n if all(j in reached[i] for i in n)
    }
    assert is_reversible(space) == all(0 in reached[i] for i in n)
    for t, at in enumerate(terminals(space).stuck_at):
        if at >= 0:
            start = graph.markings.index(tuple(space.marking(int(at)).tolist()))
            assert not any(enabled[j][t] for j in reached[start])
    for threads in (1, 2):
        with threads_at_once():
            assert live_search(engine, engine.transitions, Budget(threads=threads)).holds == all(live)


@examples(200)
@given(st.data(), small_nets())
def test_what_is_always_possible_is_reachable_from_everywhere(data: st.DataObject, net: Net) -> None:
    graph = _graph_of(net)
    goal = data.draw(state_formulas(net))
    space = net.compile().state_space()
    assert always_possible(space, goal) == graph.truth(Temporal("AG", Temporal("EF", goal)))[0]


@examples(60)
@given(st.data(), st.integers(1, 140))
def test_operators_on_any_graph_are_their_fixed_points(data: st.DataObject, n: int) -> None:
    """Graphs that no net need have: loops, parallel edges, states that nothing reaches, more than two words."""
    states = st.integers(0, n - 1)
    edges = data.draw(st.lists(st.tuples(states, states), max_size=3 * n))
    rows: list[list[int]] = [[] for _ in range(n)]
    for source, target in edges:
        rows[source].append(target)
    flags = st.lists(st.booleans(), min_size=n, max_size=n)
    left, right = data.draw(flags), data.draw(flags)
    offsets = np.cumsum([0, *map(len, rows)]).astype(np.int64)
    graph = _core.StateGraph(n, offsets, np.array([t for row in rows for t in row], np.uint32))
    naive = Graph(None, None, [()] * n, rows)  # type: ignore[arg-type]

    def words(values: list[bool]) -> np.ndarray:  # type: ignore[type-arg]
        return np.array(
            [sum(v << k for k, v in enumerate(values[w : w + 64])) for w in range(0, n, 64)], np.uint64
        )

    assert np.array_equal(graph.some_next(words(right), False), words(naive._temporal("EX", right)))
    assert np.array_equal(
        graph.some_until(words(left), words(right), False), words(naive._until("E", left, right))
    )
    assert np.array_equal(
        graph.every_until(words(left), words(right), False), words(naive._until("A", left, right))
    )
    route = graph.route(0, words(left), words(right))
    assert (route is not None) == naive._until("E", left, right)[0]
    if route is not None:
        at = 0
        for edge in route:
            assert offsets[at] <= edge < offsets[at + 1]
            assert left[at]
            at = [t for row in rows for t in row][edge]
        assert right[at]


def test_a_lasso_goes_round_the_loop_it_names() -> None:
    net = Net("loop")
    net.add_place("start", 1)
    net.add_place("a")
    net.add_place("b")
    net.add_transition("enter", ["start"], ["a"])
    net.add_transition("there", ["a"], ["b"])
    net.add_transition("back", ["b"], ["a"])
    verdict = graph_search(Problem(net.compile(), Temporal("EG", Compare((("a", 1),), 1))), Budget())
    assert verdict.holds
    assert verdict.witness == ("enter", "there", "back")
    assert "the last 2 firings repeat for ever" in verdict.reason
    space = net.compile().state_space()
    labelling = Labelling(space._engine, space._core)
    found = labelling.graph.lasso(0, labelling.everywhere)
    assert found is not None
    edges, repeats_from = found
    assert [space._engine.transitions[t] for t in labelling.transitions[edges]] == ["enter", "there", "back"]
    assert repeats_from == 1
    assert all(a < b for a, b in pairwise(space.edges.offsets))
