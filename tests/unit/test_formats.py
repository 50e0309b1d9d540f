"""JSON, DOT, Mermaid, SVG, networkx and pm4py."""

from __future__ import annotations

import json
import math
import re
import shutil
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import networkx as nx
import numpy as np
import pytest

import petricore as pc
from petricore.io.labels import annotation

MODELS = Path(__file__).parent.parent / "models"
SVG = "{http://www.w3.org/2000/svg}"
AWKWARD = [
    "quote\"'",
    "back\\slash \\N \\G",
    "<b>&amp;</b>",
    "line\nbreak",
    "#35; 1. list",
    "[({|})]",
    "漢字 \U0001f600",
]
AWKWARD += ["nul\x00", "\ud800", "end", "`**x**`", "%%{init}%%", "]]>", "  ", "\u202e"]


def all_kinds() -> pc.Net:
    net = pc.Net("all kinds")
    net.add_place("orders", 5, capacity=9)
    net.add_place("paused")
    net.add_place("config", 1)
    net.add_place("log", 7)
    net.add_place("same")
    net.add_transition(
        "same",
        {"orders": 2},
        {"same": 3},
        reads={"config": 1},
        inhibitors={"paused": 4},
        resets=["log"],
        priority=2,
        rate=0.5,
    )
    net.add_transition("source", outputs=["orders"])
    return net


def timed() -> pc.Net:
    net = pc.Net("timed")
    net.add_place("p")
    net.add_transition("expression", rate="2 * p")
    net.add_transition("kinetics", rate=pc.MassAction(0.5))
    net.add_transition("uniform", delay=pc.Uniform(1, 3), servers=math.inf)
    net.add_transition("measured", delay=pc.Empirical([1, 2]), memory="age")
    net.add_transition("now", weight=2.0)
    net.add_transition("three", servers=3)
    return net


class TestTimedDrawings:
    def test_immediate_transitions_are_thin_bars(self) -> None:
        net = timed()
        [bar] = [line for line in net.to_dot().splitlines() if "xlabel" in line]
        assert "width=0.06" in bar
        assert 'xlabel="now\\nweight 2"' in bar
        root = ET.fromstring(net.to_svg())
        widths = {group[0].text: group[1].get("width") for group in root.findall(f"{SVG}g")}
        assert widths["now"] == "5"
        assert widths["three"] != "5"

    def test_labels_tell_the_timing(self) -> None:
        notes = [annotation(transition) for transition in timed().transitions.values()]
        assert notes == [
            "rate 2 * p",
            "mass action 0.5",
            "uniform(1, 3), \u221e servers",
            "empirical, 2 samples, age memory",
            "weight 2",
            "3 servers",
        ]


def awkward() -> pc.Net:
    net = pc.Net(AWKWARD[0])
    for name in AWKWARD:
        net.add_place(name)
    for name in AWKWARD:
        net.add_transition(name, [name], [AWKWARD[0]])
    return net


def same(first: pc.Net, second: pc.Net) -> bool:
    return (
        first.name == second.name
        and list(first.places.values()) == list(second.places.values())
        and list(first.transitions.values()) == list(second.transitions.values())
    )


class TestJson:
    def test_every_net_survives(self) -> None:
        for net in (all_kinds(), awkward(), pc.Net()):
            assert same(pc.Net.from_json(net.to_json()), net)
            assert same(pc.Net.from_json(net.to_json(indent=2).encode()), net)

    def test_timing_is_written_as_version_2(self) -> None:
        net = timed()
        document = json.loads(net.to_json())
        assert document["version"] == 2
        assert [{**entry, "name": None} for entry in document["transitions"]] == [
            {"name": None, "rate": "2 * p"},
            {"name": None, "rate": {"mass_action": 0.5}},
            {"name": None, "delay": {"family": "uniform", "low": 1.0, "high": 3.0}, "servers": "infinite"},
            {"name": None, "delay": {"family": "empirical", "samples": [1.0, 2.0]}, "memory": "age"},
            {"name": None, "weight": 2.0},
            {"name": None, "servers": 3},
        ]
        assert same(pc.Net.from_json(net.to_json()), net)

    @pytest.mark.parametrize(
        ("entry", "reason"),
        [
            ({"rate": {"k": 1}}, r"^transitions\[0\].rate: the key 'k' is unknown"),
            ({"rate": {}}, r"^transitions\[0\].rate: MassAction: k is a number, not None"),
            (
                {"rate": []},
                r"^transitions\[0\].rate: a number, an expression or .* is expected, not an array",
            ),
            ({"weight": None}, r"^transitions\[0\].weight: a number is expected, not null"),
            ({"weight": -1}, r"^transitions\[0\]: transition 't': weight is finite and above 0, not -1.0"),
            ({"servers": "many"}, r"^transitions\[0\]: .*servers is an integer or math.inf, not 'many'"),
            ({"memory": []}, r"^transitions\[0\]: .*memory is 'enabling' or 'age', not \[\]"),
            ({"delay": 3}, r"^transitions\[0\].delay: a delay is an object with a family, not 3"),
            (
                {"delay": {"family": "normal"}},
                r"^transitions\[0\].delay: the family of a delay is one of .*'normal'",
            ),
            ({"delay": {"family": []}}, r"^transitions\[0\].delay: the family of a delay is one of"),
            (
                {"delay": {"family": "uniform", "low": 1}},
                r"^transitions\[0\].delay: Uniform has the parameters low, high, not low",
            ),
            (
                {"delay": {"family": "empirical", "samples": 1}},
                r"^transitions\[0\].delay: Empirical: samples are",
            ),
        ],
    )
    def test_malformed_timing_is_a_net_error_naming_the_path(
        self, entry: dict[str, Any], reason: str
    ) -> None:
        document = {
            "format": "petricore-net",
            "version": 2,
            "name": "n",
            "transitions": [{"name": "t", **entry}],
        }
        with pytest.raises(pc.NetError, match=reason):
            pc.Net.from_json(json.dumps(document))

    def test_the_document_is_versioned_ascii_without_defaults(self) -> None:
        net = pc.Net("n")
        net.add_place("p")
        net.add_transition("t", ["p"])
        text = net.to_json()
        assert text.isascii()
        assert json.loads(text) == {
            "format": "petricore-net",
            "version": 1,
            "name": "n",
            "places": [{"name": "p"}],
            "transitions": [{"name": "t", "inputs": {"p": 1}}],
        }

    @pytest.mark.parametrize(
        ("text", "reason"),
        [
            ("", "no JSON document"),
            ("[" * 100_000, "no JSON document"),
            (b"\xff\xfe\x00", "no JSON document"),
            ("9" * 5000, "no JSON document"),
            ("[]", r"^\$: an object is expected, not an array"),
            ('{"format": "x"}', r"^\$: the format is 'petricore-net' version 1 or 2, not 'x' version None"),
            ('{"version": 3, "format": "petricore-net"}', "not 'petricore-net' version 3"),
            ('{"version": [], "format": "petricore-net"}', r"not 'petricore-net' version \[\]"),
            ('{"version": true, "format": "petricore-net"}', "not 'petricore-net' version True"),
            ('{"colour": 1}', r"^\$: the key 'colour' is unknown"),
            ('{"name": 1, "name": 2}', "'name' stands twice"),
            ('{"name": NaN}', "NaN is no JSON number"),
        ],
    )
    def test_a_broken_document_is_a_net_error(self, text: str | bytes, reason: str) -> None:
        with pytest.raises(pc.NetError, match=reason):
            pc.Net.from_json(text)

    @pytest.mark.parametrize(
        ("parts", "reason"),
        [
            ({"name": None}, "^name: a net's name is a string"),
            ({"places": {}}, "^places: an array is expected, not an object"),
            ({"places": [1]}, r"^places\[0\]: an object is expected, not the number 1"),
            ({"places": [{}]}, r"^places\[0\]: a place's name is a string"),
            ({"places": [{"name": "p"}, {"name": "p"}]}, r"^places\[1\]: place 'p' exists already"),
            ({"places": [{"name": "p", "tokens": 1.0}]}, r"^places\[0\]: .*tokens is an integer, not 1.0"),
            ({"places": [{"name": "p", "tokens": True}]}, r"^places\[0\]: .*not True"),
            ({"places": [{"name": "p", "tokens": 2**31}]}, r"^places\[0\]: .*not 2147483648"),
            ({"places": [{"name": "p", "x": 1}]}, r"^places\[0\]: the key 'x' is unknown"),
            (
                {"transitions": [{"name": "t", "inputs": ["p"]}]},
                r"^transitions\[0\].inputs: an object of weights",
            ),
            ({"transitions": [{"name": "t", "inputs": {"p": 1}}]}, r"^transitions\[0\]: .*unknown place 'p'"),
            ({"transitions": [{"name": "t", "resets": "p"}]}, r"^transitions\[0\].resets: an array"),
            (
                {"transitions": [{"name": "t", "resets": [["p"]]}]},
                r"^transitions\[0\]: .*unknown place \['p'\]",
            ),
            ({"transitions": [{"name": "t", "rate": "1"}]}, r"^transitions\[0\].rate: a number is expected"),
            ({"transitions": [{"name": "t", "rate": 10**400}]}, r"^transitions\[0\]: .*rate"),
            ({"transitions": [{"name": "t", "rate": None}]}, r"^transitions\[0\].rate: a number is expected"),
            (
                {"transitions": [{"name": "t", "weight": 1}]},
                r"^transitions\[0\]: the key 'weight' is unknown",
            ),
        ],
    )
    def test_a_malformed_net_is_a_net_error_naming_the_path(self, parts: dict[str, Any], reason: str) -> None:
        document = {"format": "petricore-net", "version": 1, "name": "n", **parts}
        with pytest.raises(pc.NetError, match=reason):
            pc.Net.from_json(json.dumps(document))


class TestDot:
    def test_arcs_differ_by_their_heads_and_weights_are_labels(self) -> None:
        dot = all_kinds().to_dot()
        assert 'p0 -> t0 [label="2"];' in dot
        assert 't0 -> p4 [label="3"];' in dot
        assert "p2 -> t0 [style=dashed, arrowhead=none];" in dot
        assert 'p1 -> t0 [arrowhead=odot, label="4"];' in dot
        assert "p3 -> t0 [arrowhead=normalnormal];" in dot
        assert 'label="config\\n•"' in dot
        assert 'label="log\\n7"' in dot

    @pytest.mark.skipif(shutil.which("dot") is None, reason="graphviz's dot is not in PATH")
    def test_graphviz_draws_any_name_as_it_is(self) -> None:
        for net in (all_kinds(), awkward(), pc.Net("graph")):
            run = subprocess.run(
                ["dot", "-Tsvg"], input=net.to_dot().encode(), capture_output=True, check=True
            )
            assert run.stderr == b""
            shown = {"".join(text.itertext()) for text in ET.fromstring(run.stdout).iter(f"{SVG}text")}
            for name in (*net.places, *net.transitions):
                lines = re.sub("[\x00\ud800]", "\ufffd", name).split("\n")
                assert {line.strip() for line in lines} <= {
                    text.strip().replace("\xa0", " ") for text in shown
                } | {""}


class TestMermaid:
    def test_arcs_and_nodes_have_their_shapes(self) -> None:
        lines = [line.strip() for line in all_kinds().to_mermaid().splitlines()]
        assert lines[0] == "flowchart LR"
        assert {"p0 -->|2| t0", "t0 -->|3| p4", "p2 -.- t0", "p1 --o|4| t0", "p3 --x t0", "t1 --> p0"} <= set(
            lines
        )
        assert 'p2(("config<br/>●"))' in lines
        assert 't0["same<br/>priority 2#44; rate 0#46;5"]' in lines

    def test_a_name_never_breaks_out_of_its_label(self) -> None:
        for line in awkward().to_mermaid().splitlines()[1:]:
            if "--" not in line:
                assert re.fullmatch(r'    [pt]\d+(\(\("[^"]*"\)\)|\["[^"]*"\])', line)
                label = re.sub("#[0-9]+;|<br/>", "", line.split('"')[1])
                assert not set(label) & set("\"'`<>&#;[](){}|%\\*.:!")


class TestSvg:
    def shapes(self, svg: str) -> ET.Element:
        return ET.fromstring(svg)

    def texts(self, svg: str) -> list[str]:
        return ["".join(text.itertext()) for text in self.shapes(svg).iter(f"{SVG}text")]

    @pytest.mark.parametrize(
        "net", [all_kinds(), awkward(), pc.Net("empty")], ids=["kinds", "awkward", "empty"]
    )
    def test_the_drawing_is_well_formed_and_always_the_same(self, net: pc.Net) -> None:
        assert self.shapes(net.to_svg()).tag == f"{SVG}svg"
        assert net.to_svg() == net.to_svg()
        assert net.to_svg() == net._repr_svg_()

    def test_every_node_and_every_arc_is_drawn_within_the_picture(self) -> None:
        for path in sorted(MODELS.glob("*.pnml")):
            net = pc.read_pnml(path)
            root = self.shapes(net.to_svg())
            assert len(root.findall(f"{SVG}g")) == len(net.places) + len(net.transitions)
            lines = [p for p in root.findall(f"{SVG}path") if p.get("fill") == "none"]
            assert len(lines) == sum(len(t.inputs) + len(t.outputs) for t in net.transitions.values())
            left, top, width, height = map(float, root.attrib["viewBox"].split())
            for circle in root.iter(f"{SVG}circle"):
                x, y, r = (float(circle.attrib[key]) for key in ("cx", "cy", "r"))
                assert left <= x - r
                assert x + r <= left + width
                assert top <= y - r
                assert y + r <= top + height

    def test_no_two_nodes_overlap(self) -> None:
        for path in sorted(MODELS.glob("*.pnml")):
            boxes = []
            for group in self.shapes(pc.read_pnml(path).to_svg()).findall(f"{SVG}g"):
                shape = group[1]
                if shape.tag == f"{SVG}rect":
                    x, y, w, h = (float(shape.attrib[key]) for key in ("x", "y", "width", "height"))
                else:
                    cx, cy, r = (float(shape.attrib[key]) for key in ("cx", "cy", "r"))
                    x, y, w, h = cx - r, cy - r, 2 * r, 2 * r
                boxes.append((x, y, x + w, y + h))
            corners = np.array(boxes)
            low, high = corners[:, None, :2], corners[:, None, 2:]
            apart = ((low >= high.transpose(1, 0, 2)) | (high <= low.transpose(1, 0, 2))).any(axis=2)
            assert (apart | np.eye(len(boxes), dtype=bool)).all(), path.name

    def test_arcs_that_lead_forward_point_to_the_right(self) -> None:
        net = pc.Net()
        for name in "abc":
            net.add_place(name)
        net.add_transition("first", ["a"], ["b"])
        net.add_transition("second", ["b"], ["c"])
        groups = {g[0].text: g[1] for g in self.shapes(net.to_svg()).findall(f"{SVG}g")}
        x = [
            float(groups[name].get("cx") or groups[name].attrib["x"])
            for name in ("a", "first", "b", "second", "c")
        ]
        assert x == sorted(x)

    def test_few_tokens_are_dots_and_many_a_number(self) -> None:
        net = pc.Net()
        net.add_place("p", 5)
        net.add_place("q", 2**31 - 1)
        svg = net.to_svg()
        assert len(list(self.shapes(svg).iter(f"{SVG}circle"))) == 2 + 5
        assert str(2**31 - 1) in self.texts(svg)

    def test_a_given_marking_is_shown_instead_of_the_initial_one(self) -> None:
        net = all_kinds()
        assert "77" in self.texts(net.to_svg({"paused": 77}))
        assert "7" not in self.texts(net.to_svg({"paused": 77}))
        assert "66" in self.texts(net.to_svg(np.array([66, 0, 0, 0, 0], dtype=np.int32)))

    @pytest.mark.parametrize(
        ("marking", "reason"),
        [
            ({"nowhere": 1}, "unknown place 'nowhere'"),
            ([1], "5 counts, not 1"),
            ([-1, 0, 0, 0, 0], "'orders' is a count, not -1"),
            ([0.5, 0, 0, 0, 0], "'orders' is a count, not 0.5"),
        ],
    )
    def test_a_wrong_marking_is_a_net_error(self, marking: Any, reason: str) -> None:
        with pytest.raises(pc.NetError, match=reason):
            all_kinds().to_svg(marking)

    def test_notebooks_get_no_picture_of_a_net_too_large_to_read(self) -> None:
        net = pc.Net()
        for number in range(401):
            net.add_place(f"p{number}")
        assert net._repr_svg_() is None
        assert len(list(self.shapes(net.to_svg()).iter(f"{SVG}circle"))) == 401

    def test_a_long_chain_is_drawn_without_deep_recursion(self) -> None:
        net = pc.Net()
        net.add_place("p0", 1)
        for number in range(1500):
            net.add_place(f"p{number + 1}")
            net.add_transition(f"t{number}", [f"p{number}"], [f"p{number + 1}"])
        assert self.shapes(net.to_svg()).tag == f"{SVG}svg"


class TestNetworkx:
    def test_nodes_and_arcs_carry_everything(self) -> None:
        graph = all_kinds().to_networkx()
        assert isinstance(graph, nx.MultiDiGraph)
        assert graph.name == "all kinds"
        assert graph.nodes["place", "orders"] == {
            "kind": "place",
            "name": "orders",
            "tokens": 5,
            "capacity": 9,
        }
        assert graph.nodes["transition", "same"] == {
            "kind": "transition",
            "name": "same",
            "priority": 2,
            "rate": 0.5,
            "servers": 1,
            "delay": None,
            "weight": None,
            "memory": "enabling",
        }
        assert graph.number_of_nodes() == 7
        t = ("transition", "same")
        assert graph.edges[("place", "orders"), t, "input"] == {"kind": "input", "weight": 2}
        assert graph.edges[t, ("place", "same"), "output"] == {"kind": "output", "weight": 3}
        assert graph.edges[("place", "paused"), t, "inhibitor"]["weight"] == 4
        assert graph.edges[("place", "config"), t, "read"]["weight"] == 1
        assert graph.edges[("place", "log"), t, "reset"]["weight"] == 1
        assert graph.number_of_edges() == 6

    def test_arcs_of_several_kinds_between_one_pair_stay_apart(self) -> None:
        net = pc.Net()
        net.add_place("p")
        net.add_transition("t", {"p": 2}, ["p"], reads={"p": 3}, inhibitors={"p": 4}, resets=["p"])
        assert net.to_networkx().number_of_edges(("place", "p"), ("transition", "t")) == 4


class TestPm4py:
    def expressible(self) -> pc.Net:
        net = pc.Net("n")
        net.add_place("a", 3)
        net.add_place("b")
        net.add_place("same", 1)
        net.add_transition(
            "same", {"a": 2}, {"b": 3}, inhibitors=["same"], resets=["b"], priority=1, rate=0.5
        )
        net.add_transition("u", ["b"], ["same"])
        return net

    def test_a_net_survives(self) -> None:
        converted, initial, final = self.expressible().to_pm4py()
        assert type(converted).__name__ == "ResetInhibitorNet"
        assert {place.name: tokens for place, tokens in initial.items()} == {"a": 3, "same": 1}
        assert not final
        assert same(pc.Net.from_pm4py(converted, initial), self.expressible())

    def test_the_class_of_the_net_is_the_smallest_that_suffices(self) -> None:
        def converted(**arcs: list[str]) -> str:
            net = pc.Net()
            net.add_place("p")
            net.add_transition("t", **arcs)
            return type(net.to_pm4py()[0]).__name__

        assert converted(inputs=["p"]) == "PetriNet"
        assert converted(inhibitors=["p"]) == "InhibitorNet"
        assert converted(resets=["p"]) == "ResetNet"

    def test_pm4py_enables_and_fires_as_petricore_does(self) -> None:
        from pm4py.objects.petri_net.inhibitor_reset import semantics

        net = self.expressible()
        converted, marking, _ = net.to_pm4py()
        engine = net.compile()
        ours = engine.initial_marking
        by_name = {transition.name: transition for transition in converted.transitions}
        for _ in range(4):
            enabled = {t.name for t in semantics.enabled_transitions(converted, marking)}
            mask = engine.enabled(ours)
            assert enabled == {name for name, on in zip(engine.transitions, mask, strict=True) if on}
            if not enabled:
                break
            name = min(enabled)
            marking = semantics.execute(by_name[name], converted, marking)
            ours = engine.fire(ours, name)
            found = {place.name: tokens for place, tokens in marking.items()}
            assert [found.get(place, 0) for place in engine.places] == ours.tolist()

    @pytest.mark.parametrize(
        ("arcs", "reason"),
        [
            ({"reads": ["p"]}, "read arc from 'p' to 't': pm4py has no read arcs"),
            ({"inhibitors": {"p": 2}}, "inhibitor arc from 'p' to 't': .*not 2"),
            ({"inputs": ["p"], "resets": ["p"]}, "reset arc from 'p' to 't'"),
        ],
    )
    def test_an_arc_that_pm4py_cannot_express_is_named(self, arcs: dict[str, Any], reason: str) -> None:
        net = pc.Net()
        net.add_place("p")
        net.add_transition("t", **arcs)
        with pytest.raises(pc.NetError, match=reason):
            net.to_pm4py()

    def test_a_capacity_is_refused(self) -> None:
        net = pc.Net()
        net.add_place("p", capacity=4)
        with pytest.raises(pc.NetError, match="place 'p': pm4py has no capacities, and this one is 4"):
            net.to_pm4py()

    def test_a_discovered_net_gets_its_labels_where_they_are_unique(self) -> None:
        from pm4py.objects.petri_net.obj import Marking, PetriNet
        from pm4py.objects.petri_net.utils.petri_utils import add_arc_from_to

        found = PetriNet("")
        start = PetriNet.Place("start")
        found.places.add(start)
        labels = {"u1": "pay", "u2": "ship", "u3": "ship", "tau": None, "u5": "tau", "u6": "u6"}
        for name, label in labels.items():
            transition = PetriNet.Transition(name, label)
            found.transitions.add(transition)
            add_arc_from_to(start, transition, found, weight=2)
            add_arc_from_to(start, transition, found)
        net = pc.Net.from_pm4py(found, Marking({start: 2}))
        assert list(net.transitions) == ["pay", "tau", "u2", "u3", "u5", "u6"]
        assert dict(net.transitions["pay"].inputs) == {"start": 3}
        assert net.places["start"].tokens == 2

    def test_a_marking_of_another_net_is_refused(self) -> None:
        from pm4py.objects.petri_net.obj import Marking, PetriNet

        with pytest.raises(pc.NetError, match="'elsewhere'"):
            pc.Net.from_pm4py(PetriNet("n"), Marking({PetriNet.Place("elsewhere"): 1}))

    def test_a_fractional_weight_is_refused(self) -> None:
        from pm4py.objects.petri_net.obj import PetriNet
        from pm4py.objects.petri_net.utils.petri_utils import add_arc_from_to

        found, place, transition = PetriNet("n"), PetriNet.Place("p"), PetriNet.Transition("t")
        found.places.add(place)
        found.transitions.add(transition)
        add_arc_from_to(place, transition, found, weight=0.5)
        with pytest.raises(pc.NetError, match=r"0\.5, which is no positive integer"):
            pc.Net.from_pm4py(found)


class TestImports:
    def test_formats_load_nothing_before_they_are_used(self) -> None:
        code = (
            "import sys, petricore as pc; net = pc.Net(); net.to_dot(); net.to_svg(); net.to_json();"
            "pc.read_pnml;"
            "print(sorted({'networkx', 'pm4py', 'pandas', 'matplotlib'} & set(sys.modules)))"
        )
        run = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True)
        assert run.stdout.strip() == "[]"

    @pytest.mark.parametrize(("package", "method"), [("networkx", "to_networkx"), ("pm4py", "to_pm4py")])
    def test_a_missing_package_is_named_with_its_extra(
        self, package: str, method: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        for name in [name for name in sys.modules if name.split(".")[0] == package]:
            monkeypatch.delitem(sys.modules, name)
        monkeypatch.setitem(sys.modules, package, None)
        with pytest.raises(ImportError, match=r"pip install 'petricore\[io\]'"):
            getattr(pc.Net(), method)()
