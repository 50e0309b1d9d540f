"""PNML: the standard, the dialects of other tools, and what must be refused."""

from __future__ import annotations

import io
import json
import math
from pathlib import Path
from typing import Any

import pytest

import petricore as pc
from petricore.io.pnml_reader import MAX_DEPTH, MAX_PIECE

MODELS = Path(__file__).parent.parent / "models"
SHARED = Path(__file__).parents[2].parent / "shared" / "nets"
PTNET = "http://www.pnml.org/version-2009/grammar/ptnet"


def read(text: str | bytes, **options: Any) -> pc.Net:
    return pc.read_pnml(io.BytesIO(text if isinstance(text, bytes) else text.encode()), **options)


def timed_transition(attributes: str) -> str:
    tool = f'<toolspecific tool="petricore" version="1"><attributes {attributes}/></toolspecific>'
    return f'<transition id="t">{tool}</transition>'


def document(body: str, net_type: str = PTNET) -> str:
    return (
        '<?xml version="1.0"?>\n<pnml xmlns="http://www.pnml.org/version-2009/grammar/pnml">'
        f'<net id="n" type="{net_type}"><page id="g">\n{body}\n</page></net></pnml>'
    )


def same(first: pc.Net, second: pc.Net) -> bool:
    return (
        first.name == second.name
        and list(first.places.values()) == list(second.places.values())
        and list(first.transitions.values()) == list(second.transitions.values())
    )


def written(net: pc.Net) -> bytes:
    file = io.BytesIO()
    pc.write_pnml(net, file)
    return file.getvalue()


def arcs(net: pc.Net) -> int:
    return sum(len(t.inputs) + len(t.outputs) for t in net.transitions.values())


P_AND_T = '<place id="p"/><transition id="t"/>'


class TestContestNets:
    @pytest.mark.parametrize("name", json.loads((MODELS / "sizes.json").read_text()))
    def test_a_contest_net_has_its_published_size(self, name: str) -> None:
        sizes = json.loads((MODELS / "sizes.json").read_text())[name]
        net = pc.read_pnml(MODELS / f"{name}.pnml")
        assert {"places": len(net.places), "transitions": len(net.transitions), "arcs": arcs(net)} == sizes
        assert net.name == name

    def test_every_net_of_the_whole_collection_has_its_published_size(self) -> None:
        """A sweep over the collection where it lies beside the repository; the models always run."""
        answers = json.loads((SHARED / "answers.json").read_text()) if SHARED.is_dir() else {}
        for name, sizes in answers.items():
            net = pc.read_pnml(SHARED / f"{name}.pnml")
            assert (len(net.places), len(net.transitions), arcs(net)) == (
                sizes["places"],
                sizes["transitions"],
                sizes["arcs"],
            ), name
            assert same(read(written(net)), net), name

    def test_a_model_survives_being_written(self) -> None:
        for path in sorted(MODELS.glob("*.pnml")):
            net = pc.read_pnml(path)
            assert same(read(written(net)), net)

    def test_tokens_and_weights_of_the_swimming_pool(self) -> None:
        net = pc.read_pnml(str(MODELS / "SwimmingPool-PT-01.pnml"))
        assert {p.name: p.tokens for p in net.places.values() if p.tokens} == {
            "Out": 20,
            "Cabins": 10,
            "Bags": 15,
        }
        assert dict(net.transitions["GetK"].inputs) == {"Entered": 1, "Cabins": 1}


class TestStandard:
    def test_ids_are_names_and_labels_are_not(self) -> None:
        net = read(document('<place id="p7"><name><text>ready</text></name></place>'))
        assert list(net.places) == ["p7"]

    def test_arcs_may_stand_before_their_nodes(self) -> None:
        net = read(document('<arc id="a" source="p" target="t"/>' + P_AND_T))
        assert dict(net.transitions["t"].inputs) == {"p": 1}

    def test_arcs_between_one_pair_add_up(self) -> None:
        arc = '<arc id="{}" source="t" target="p"><inscription><text> {} </text></inscription></arc>'
        net = read(document(P_AND_T + arc.format("a", 2) + arc.format("b", 3)))
        assert dict(net.transitions["t"].outputs) == {"p": 5}

    def test_pages_nest_and_references_are_resolved_through_each_other(self) -> None:
        net = read(
            document(
                '<referencePlace id="r2" ref="r1"/><page id="g2"><page id="g3">'
                '<arc id="a" source="r2" target="rt"/><referencePlace id="r1" ref="p"/></page>'
                '<referenceTransition id="rt" ref="t"/></page>' + P_AND_T
            )
        )
        assert list(net.places) == ["p"]
        assert dict(net.transitions["t"].inputs) == {"p": 1}

    def test_graphics_other_tools_and_unknown_elements_are_skipped(self) -> None:
        noise = (
            '<graphics><position x="1" y="2"/></graphics><toolspecific tool="x" version="1"><place id="no"/>'
            "<initialMarking><text>7</text></initialMarking></toolspecific><novelty><initialMarking/></novelty>"
        )
        net = read(
            document(f'<place id="p">{noise}<initialMarking>{noise}<text>2</text></initialMarking></place>')
        )
        assert [(p.name, p.tokens) for p in net.places.values()] == [("p", 2)]

    def test_elements_of_a_foreign_namespace_are_skipped(self) -> None:
        net = read(document('<x:place xmlns:x="urn:x" id="no"/><place id="yes"/>'))
        assert list(net.places) == ["yes"]

    def test_a_prefixed_document_is_read(self) -> None:
        net = read(
            '<a:pnml xmlns:a="urn:any"><a:net id="n" type="P/T net"><a:place id="p"/></a:net></a:pnml>'
        )
        assert list(net.places) == ["p"]

    def test_the_first_net_is_read_unless_another_is_named(self) -> None:
        text = f'<pnml><net id="a" type="{PTNET}"><place id="p"/></net><net id="b" type="{PTNET}"/></pnml>'
        assert read(text).name == "a"
        assert read(text, net="b").name == "b"
        with pytest.raises(pc.PnmlError, match=r"no net with the id 'c'.*'a', 'b'"):
            read(text, net="c")

    @pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "iso-8859-1", "cp1252", "ascii"])
    def test_the_declared_encoding_is_used(self, encoding: str) -> None:
        name = "p" if encoding == "ascii" else "pé"
        text = (
            f'<?xml version="1.0" encoding="{encoding}"?>'
            f'<pnml><net id="n" type="{PTNET}"><place id="{name}"/></net></pnml>'
        )
        assert list(read(text.encode(encoding)).places) == [name]

    def test_a_net_without_anything_is_read(self) -> None:
        assert len(read(document("")).places) == 0

    def test_a_path_a_string_and_a_file_object_are_sources(self, tmp_path: Path) -> None:
        path = tmp_path / "n.pnml"
        path.write_text(document(P_AND_T))
        with path.open("rb") as file:
            assert same(pc.read_pnml(file), pc.read_pnml(str(path)))
        assert same(pc.read_pnml(path), pc.read_pnml(str(path)))

    def test_a_missing_file_is_an_os_error(self, tmp_path: Path) -> None:
        with pytest.raises(FileNotFoundError):
            pc.read_pnml(tmp_path / "none.pnml")

    def test_a_text_file_is_a_type_error(self) -> None:
        with pytest.raises(TypeError, match="open it as binary"):
            pc.read_pnml(io.StringIO(document("")))  # type: ignore[arg-type]  # what is tested


class TestDialects:
    @pytest.mark.parametrize(
        ("arc", "kind"),
        [
            ('<arc id="a" source="p" target="t"><type value="inhibitor"/></arc>', "inhibitors"),  # PIPE, Tina
            ('<arc id="a" source="p" target="t"><type value="test"/></arc>', "reads"),  # Tina
            ('<arc id="a" source="p" target="t"><type value="reset"/></arc>', "resets"),
            ('<arc id="a" source="p" target="t"><type value="normal"/></arc>', "inputs"),
            ('<arc id="a" source="p" target="t" type="inhibitor"/>', "inhibitors"),
            ('<arc id="a" source="p" target="t" type="tapnInhibitor" inscription="[0,inf)"/>', "inhibitors"),
            ('<arc id="a" source="p" target="t" type="timed" inscription="[0,inf)"/>', "inputs"),
            ('<arc id="a" source="p" target="t"><type><text>read</text></type></arc>', "reads"),
            (
                '<arc id="a" source="p" target="t"><arctype><text>inhibitor</text></arctype></arc>',
                "inhibitors",
            ),
            ('<arc id="a" source="p" target="t"><arctype>reset</arctype></arc>', "resets"),
        ],
    )
    def test_kinds_of_arc_as_tools_write_them(self, arc: str, kind: str) -> None:
        transition = read(document(P_AND_T + arc)).transitions["t"]
        kinds = ("inputs", "outputs", "reads", "inhibitors", "resets")
        assert {name: list(getattr(transition, name)) for name in kinds if getattr(transition, name)} == {
            kind: ["p"]
        }

    def test_weights_of_inhibitors_and_reads_each_hold_by_themselves(self) -> None:
        arc = (
            '<arc id="a" source="p" target="t"><type value="{}"/>'
            "<inscription><text>{}</text></inscription></arc>"
        )
        pairs = [("inhibitor", 5), ("inhibitor", 3), ("test", 2), ("test", 4)]
        transition = read(document(P_AND_T + "".join(arc.format(*pair) for pair in pairs))).transitions["t"]
        assert dict(transition.inhibitors) == {"p": 3}
        assert dict(transition.reads) == {"p": 4}

    def test_pipe_counts_tokens_by_colour_and_writes_capacity_zero_for_none(self) -> None:
        net = read(
            document(
                '<place id="p"><initialMarking><value>Default,3</value></initialMarking>'
                "<capacity><value>0</value>"
                '</capacity></place><place id="q"><capacity><value>4</value></capacity></place>'
                '<transition id="t"/><arc id="a" source="p" target="t">'
                "<inscription><value>Default,2</value></inscription></arc>",
                "P/T net",
            )
        )
        assert [(p.tokens, p.capacity) for p in net.places.values()] == [(3, None), (0, 4)]
        assert dict(net.transitions["t"].inputs) == {"p": 2}

    def test_numbers_without_a_text_element_are_read(self) -> None:
        noise = "<graphics>9<offset/>9</graphics>"
        net = read(
            document(
                f'<place id="p">9<initialMarking>{noise} 4 {noise}</initialMarking></place>'
                '<transition id="t"/>'
                '<arc id="a" source="p" target="t"><inscription>3</inscription></arc>'
            )
        )
        assert net.places["p"].tokens == 4
        assert dict(net.transitions["t"].inputs) == {"p": 3}

    def test_tapaal_writes_markings_and_weights_as_attributes(self) -> None:
        net = read(
            '<pnml xmlns="http://www.informatik.hu-berlin.de/top/pnml/ptNetb"><net id="n" type="P/T net">'
            '<place id="p" initialMarking="4"/><transition id="t"/>'
            '<arc id="a" source="p" target="t" weight="2"/></net></pnml>'
        )
        assert net.places["p"].tokens == 4
        assert dict(net.transitions["t"].inputs) == {"p": 2}

    def test_the_reset_inhibitor_type_of_pnml_org_is_a_pt_net(self) -> None:
        read(document("", "http://www.pnml.org/version-2009/extensions/resetinhibitorptnet"))


class TestWriting:
    def everything(self) -> pc.Net:
        net = pc.Net("with everything")
        net.add_place("a", 3, capacity=7)
        net.add_place("same")
        net.add_place("tab\tquote\"<&>'\r\nline é 漢 \U0001f600", 1)
        net.add_place("7")
        net.add_transition(
            "same", {"a": 2}, {"same": 3}, reads={"7": 2}, inhibitors={"same": 4}, resets=["7", "a"]
        )
        net.add_transition("a", priority=-5, rate=0.1)
        net.add_transition("place-1", ["7"], ["7"], priority=-(2**31), rate=1e300)
        return net

    def test_timing_survives(self) -> None:
        net = pc.Net("timed")
        net.add_place("p & q")
        net.add_transition("expression", rate='2 * "p & q" / if(1 < 2, 3, 4)')
        net.add_transition("kinetics", rate=pc.MassAction(1 / 3))
        net.add_transition("uniform", delay=pc.Uniform(0.1, 3), servers=math.inf)
        net.add_transition("measured", delay=pc.Empirical([1, 1 / 3]), memory="age", servers=7)
        net.add_transition("now", weight=2.0)
        assert list(read(written(net)).transitions.values()) == list(net.transitions.values())

    def test_timing_that_no_attribute_holds_is_named(self) -> None:
        net = pc.Net("timed")
        net.add_transition("measured", delay=pc.Empirical([1.5] * 300_000))
        with pytest.raises(
            pc.NetError, match=r"^transition 'measured': delay: 1200009 characters are more than"
        ):
            written(net)

    def test_timing_of_other_tools_changes_nothing(self) -> None:
        other = (
            '<toolspecific tool="other" version="1"><attributes delay="uniform 1 2" rate="x"/></toolspecific>'
        )
        net = read(document(f'<transition id="t">{other}</transition>'))
        assert net.transitions["t"] == pc.Transition("t")

    def test_every_kind_of_arc_name_priority_and_rate_survives(self) -> None:
        assert same(read(written(self.everything())), self.everything())

    def test_names_that_are_xml_ids_are_ids_and_all_ids_are_unique(self) -> None:
        import xml.etree.ElementTree as ET

        root = ET.fromstring(written(self.everything()))
        ids = [element.attrib["id"] for element in root.iter() if "id" in element.attrib]
        assert len(ids) == len(set(ids))
        assert {"a", "same", "place-1"} <= set(ids)
        assert root[0].attrib["type"] == PTNET

    def test_labels_are_the_names(self) -> None:
        text = written(self.everything()).decode()
        assert "<name><text>with everything</text></name>" in text

    def test_a_character_that_xml_cannot_hold_names_its_node_and_writes_nothing(self, tmp_path: Path) -> None:
        for name, shown in (("a\x00b", "U\\+0000"), ("\ud800", "U\\+D800"), ("\uffff", "U\\+FFFF")):
            net = pc.Net()
            net.add_transition(name)
            path = tmp_path / "kept.pnml"
            path.write_text("kept")
            with pytest.raises(pc.NetError, match=f"transition .*{shown}"):
                pc.write_pnml(net, path)
            assert path.read_text() == "kept"

    def test_a_path_can_be_written(self, tmp_path: Path) -> None:
        pc.write_pnml(self.everything(), tmp_path / "net.pnml")
        assert same(pc.read_pnml(tmp_path / "net.pnml"), self.everything())

    def test_pm4py_reads_what_is_written(self, tmp_path: Path) -> None:
        from pm4py.objects.petri_net.importer import importer

        net = pc.Net("n")
        net.add_place("p", 2)
        net.add_place("q")
        net.add_transition("t", {"p": 2}, ["q"], inhibitors=["q"])
        pc.write_pnml(net, tmp_path / "n.pnml")
        found, marking, _ = importer.apply(str(tmp_path / "n.pnml"))
        assert {p.name: marking[p] for p in found.places} == {"p": 2, "q": 0}
        assert sorted((type(arc).__name__, arc.weight) for arc in found.arcs) == [
            ("Arc", 1),
            ("Arc", 2),
            ("InhibitorArc", 1),
        ]


def nested(depth: int, inside: str) -> str:
    return document("<page id='x'>" * depth + inside + "</page>" * depth)


LAUGHS = (
    '<!DOCTYPE pnml [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;">]>'
    f'<pnml><net id="&b;" type="{PTNET}"/></pnml>'
)
REFUSED = {
    "external entity": (
        '<!DOCTYPE x [<!ENTITY f SYSTEM "file:///etc/passwd">]><pnml>&f;</pnml>',
        "declaration",
    ),
    "external subset": ('<!DOCTYPE pnml SYSTEM "http://localhost/x.dtd"><pnml/>', "declaration"),
    "entity bomb": (LAUGHS, "declaration"),
    "undeclared entity": (document("&nbsp;"), "undefined entity"),
    "nothing": ("", "not well-formed"),
    "no XML": ("places: 3", "not well-formed"),
    "another root": ("<svg/>", "root element is <svg>"),
    "no net": ("<pnml/>", "no net in the document; its nets: none"),
    "truncated": (document(P_AND_T)[:-9], "not well-formed"),
    "wrong encoding": ('<?xml version="1.0" encoding="ascii"?><pnml>é</pnml>', "not well-formed"),
    "unknown encoding": ('<?xml version="1.0" encoding="klingon"?><pnml/>', "unknown encoding"),
    "multi-byte encoding": ('<?xml version="1.0" encoding="shift_jis"?><pnml/>', "encoding cannot be read"),
    "symmetric net": (document("", PTNET.replace("ptnet", "symmetricnet")), "symmetricnet"),
    "high-level net": (document("", PTNET.replace("ptnet", "highlevelnet")), "highlevelnet"),
    "P/T net in high-level notation": (document("", PTNET.replace("ptnet", "pt-hlpng")), "pt-hlpng"),
    "high-level marking": (document('<place id="p"><hlinitialMarking/></place>'), "high-level"),
    "place to place": (document('<place id="p"/><arc id="a" source="p" target="p"/>'), "joins two places"),
    "transition to transition": (
        document('<transition id="t"/><arc id="a" source="t" target="t"/>'),
        "joins two transitions",
    ),
    "dangling arc": (document('<place id="p"/><arc id="a" source="p" target="t"/>'), "with the id 't'"),
    "arc without an end": (document('<arc id="a" source="p"/>'), "'target' is missing"),
    "place without an id": (document("<place/>"), "'id' is missing"),
    "reference to nothing": (
        document('<referencePlace id="r" ref="p"/><transition id="t"/><arc id="a" source="r" target="t"/>'),
        "with the id 'p'",
    ),
    "unused reference to nothing": (document('\n<referencePlace id="r" ref="p"/>'), "with the id 'p'"),
    "a name that fills the message": (
        document(f'<arc id="a" source="{"x" * 500_000}" target="t"/>'),
        "no place or transition with the id 'xxx",
    ),
    "reference to itself": (
        document(
            '<referencePlace id="r" ref="s"/><referencePlace id="s" ref="r"/><transition id="t"/>'
            '<arc id="a" source="r" target="t"/>'
        ),
        "refers to itself",
    ),
    "reference to the wrong kind": (
        document('<referencePlace id="r" ref="t"/><transition id="t"/><arc id="a" source="r" target="t"/>'),
        "refers to the <transition> 't'",
    ),
    "an id twice": (document('<place id="p"/>\n<transition id="p"/>'), "taken by the <place> of line 3"),
    "a negative count": (
        document('<place id="p"><initialMarking><text>-1</text></initialMarking></place>'),
        "'-1'",
    ),
    "a fraction": (
        document('<place id="p"><initialMarking><text>1.5</text></initialMarking></place>'),
        "'1.5'",
    ),
    "an empty count": (document('<place id="p"><initialMarking><text/></initialMarking></place>'), "''"),
    "digits beyond ASCII": (
        document('<place id="p"><initialMarking><text>٣</text></initialMarking></place>'),
        "٣",
    ),
    "a large count": (
        document('<place id="p"><initialMarking><text>2147483648</text></initialMarking></place>'),
        "'2147483648' is no integer between 0 and 2147483647",
    ),
    "a huge count": (
        document(f'<place id="p"><initialMarking><text>{"9" * 9000}</text></initialMarking></place>'),
        "is no integer",
    ),
    "two colours": (
        document('<place id="p"><initialMarking><value>Default,1,Red,2</value></initialMarking></place>'),
        "'Default,1,Red,2'",
    ),
    "more tokens than capacity": (
        document(
            '<place id="p"><initialMarking><text>3</text></initialMarking>'
            "<capacity><text>2</text></capacity></place>"
        ),
        "above its capacity 2",
    ),
    "a weight of 0": (
        document(
            P_AND_T + '<arc id="a" source="p" target="t"><inscription><text>0</text></inscription></arc>'
        ),
        "at least 1, not 0",
    ),
    "a sum of weights": (
        document(
            P_AND_T
            + '<arc id="a" source="p" target="t"><inscription><text>2147483647</text></inscription></arc>'
            + '<arc id="b" source="p" target="t"/>'
        ),
        "sum up to 2147483648",
    ),
    "an unknown kind of arc": (
        document(P_AND_T + '<arc id="a" source="p" target="t"><type value="stopwatch"/></arc>'),
        "'stopwatch' is unknown",
    ),
    "an arc of two kinds": (
        document(P_AND_T + '<arc id="a" source="p" target="t" type="inhibitor"><type value="reset"/></arc>'),
        "both 'inhibitor' and 'reset'",
    ),
    "an inhibitor arc to a place": (
        document(P_AND_T + '<arc id="a" source="t" target="p"><type value="inhibitor"/></arc>'),
        "ends in a place",
    ),
    "a timed arc": (
        document(P_AND_T + '<arc id="a" source="p" target="t" type="timed" inscription="[1,2]"/>'),
        "a timed arc",
    ),
    "a transport arc": (document('<transportArc source="p" transition="t" target="p"/>'), "a transport arc"),
    "a rate of nothing": (
        document(
            '<transition id="t"><toolspecific tool="petricore" version="1">'
            '<attributes rate="fast"/></toolspecific>'
            "</transition>"
        ),
        "the rate 'fast'",
    ),
    "a rate below 0": (
        document(
            '<transition id="t"><toolspecific tool="petricore" version="1">'
            '<attributes rate="-1"/></toolspecific>'
            "</transition>"
        ),
        "rate is finite and above 0",
    ),
    "a delay of no family": (
        document(timed_transition('delay="normal 1 2"')),
        "the family of a delay is one of",
    ),
    "a delay without an end": (
        document(timed_transition('delay="uniform 1"')),
        "Uniform has the parameters low, high",
    ),
    "a delay that is no number": (
        document(timed_transition('delay="uniform 1 x"')),
        "holds something that is no number",
    ),
    "an unknown memory": (document(timed_transition('memory="x"')), "memory is 'enabling' or 'age', not 'x'"),
    "two rates": (
        document(timed_transition('rate="1" mass-action="2"')),
        "rate and mass-action each give the rate",
    ),
    "no servers": (document(timed_transition('servers="0"')), "servers is between 1"),
    "servers in words": (
        document(timed_transition('servers="three"')),
        "servers is an integer or math.inf, not 'three'",
    ),
    "a weight and a delay": (
        document(timed_transition('weight="1" delay="deterministic 1.0"')),
        "has no delay",
    ),
    "two nodes of one name": (
        document(
            '<place id="a"/><place id="b"><toolspecific tool="petricore" version="1"><attributes name="a"/>'
            "</toolspecific></place>"
        ),
        "place 'a' exists already",
    ),
    "a deep document": (nested(MAX_DEPTH, ""), f"deeper than {MAX_DEPTH}"),
    "a deep document of unknown elements": (
        document("<x>" * MAX_DEPTH + "</x>" * MAX_DEPTH),
        f"deeper than {MAX_DEPTH}",
    ),
    "a long attribute": (document(f'<place id="{"x" * (MAX_PIECE + 70_000)}"/>'), "more than"),
    "an endless attribute": (document('<place id="' + "x" * 2 * MAX_PIECE), "more than"),
    "a long comment": (document(f"<!--{'x' * 2 * MAX_PIECE}-->"), "more than"),
    "a long number": (
        document(
            f'<place id="p"><initialMarking><text>{" " * 2 * MAX_PIECE}1</text></initialMarking></place>'
        ),
        "more than",
    ),
}


class TestRefused:
    @pytest.mark.parametrize("case", REFUSED)
    def test_a_document_is_refused_with_line_and_reason(self, case: str) -> None:
        text, reason = REFUSED[case]
        with pytest.raises(pc.PnmlError) as caught:
            read(text)
        assert reason in str(caught.value)
        assert isinstance(caught.value.line, int)
        assert f"line {caught.value.line}" in str(caught.value)
        assert len(str(caught.value)) < 500

    def test_the_error_names_line_and_element(self) -> None:
        with pytest.raises(pc.PnmlError) as caught:
            read(document('\n\n<place id="p">\n<initialMarking>\n<text>x</text></initialMarking></place>'))
        assert (caught.value.line, caught.value.element) == (7, "initialMarking")

    def test_the_deepest_allowed_document_is_read(self) -> None:
        assert list(read(nested(MAX_DEPTH - 4, '<place id="p"/>')).places) == ["p"]

    def test_a_long_chain_of_references_costs_linear_time(self) -> None:
        chain = "".join(f'<referencePlace id="r{i}" ref="r{i + 1}"/>' for i in range(20_000))
        ends = "".join(f'<arc id="a{i}" source="r{i}" target="t"/>' for i in range(20_000))
        net = read(document(chain + '<place id="r20000"/><transition id="t"/>' + ends))
        assert dict(net.transitions["t"].inputs) == {"r20000": 20_000}

    def test_a_document_of_many_unknown_elements_leaves_nothing_behind(self) -> None:
        net = read(document("<x><place id='no'/></x>" * 10_000 + P_AND_T))
        assert (list(net.places), list(net.transitions)) == (["p"], ["t"])
