"""Trajectories go into other libraries, files and drawings."""

from __future__ import annotations

import csv
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import petricore as pc
from tests.unit.simulated_nets import decay


def test_a_result_pickles() -> None:
    found = decay().simulate(until=1.0, replicas=3, seed=1, observables={"a": pc.TimeAverage("a")})
    again = pickle.loads(pickle.dumps(found))
    assert (again.final == found.final).all()
    assert again.observables["a"].tolist() == found.observables["a"].tolist()
    assert repr(again) == repr(found)


def test_pandas_tables_are_indexed_by_replica_and_time() -> None:
    arguments: dict[str, Any] = {
        "until": 1.0,
        "replicas": 3,
        "seed": 1,
        "observables": {"left": pc.Final("a")},
    }
    final = decay().simulate(**arguments).to_pandas()
    assert final.shape == (3, 2)
    assert list(final.columns) == ["a", "b"]
    assert final.index.name == "replica"
    grid = decay().simulate(grid=4, **arguments).to_pandas()
    assert grid.index.names == ["replica", "time"]
    assert grid.loc[(1, 0.0)].tolist() == [10, 0]
    events = decay().simulate(record="events", **arguments)
    table = events.to_pandas()
    assert table.index.names == ["replica", "time", "transition"]
    assert len(table) == events.events.sum()
    assert table.loc[2].iloc[-1].tolist() == events.final[2].tolist()
    replicas = events.to_pandas("replicas")
    assert list(replicas.columns) == ["time", "events", "end", "left"]
    assert events.to_pandas("firings")["t"].tolist() == events.firings[:, 0].tolist()
    sweep = decay().simulate(rates={"t": [1, 2]}, grid=4, **arguments)
    assert sweep.to_pandas().index.names == ["point", "replica", "time"]
    assert sweep.to_pandas("replicas").index.names == ["point", "replica"]
    assert sweep.to_pandas().loc[(1, 2)].to_numpy().tolist() == sweep.markings[1, 2].tolist()
    swept = decay().simulate(rates={"t": [1, 2]}, record="events", **arguments)
    assert swept.to_pandas().index.names == ["point", "replica", "time", "transition"]
    with pytest.raises(pc.NetError, match="what is 'markings', 'firings' or 'replicas', not 'all'"):
        events.to_pandas("all")  # type: ignore[arg-type]


def test_xarray_has_the_same_numbers() -> None:
    found = decay().simulate(until=1.0, replicas=3, seed=1, grid=4, rates={"t": [1.0, 2.0]},
                             observables={"left": pc.Final("a")})  # fmt: skip
    data = found.to_xarray()
    assert dict(data.sizes) == {"point": 2, "replica": 3, "place": 2, "transition": 1, "time": 4}
    assert (data["markings"].sel(place="b").to_numpy() == found.markings[..., 1]).all()
    assert data["observable.left"].shape == (2, 3)
    assert data["rate.t"].values.tolist() == [1.0, 2.0]


def test_parquet_and_csv_hold_the_same_rows(tmp_path: Path) -> None:
    from pyarrow import parquet

    for record in ("final", "grid", "events"):
        found = decay().simulate(until=1.0, replicas=3, seed=1, record=record, rates={"t": [1.0, 2.0]},  # type: ignore[arg-type]
                                 observables={"left": pc.Final("a")})  # fmt: skip
        found.to_parquet(tmp_path / "rows.parquet")
        found.to_csv(tmp_path / "rows.csv")
        table = parquet.read_table(tmp_path / "rows.parquet")
        assert table.equals(found.to_arrow())
        with open(tmp_path / "rows.csv", newline="", encoding="utf-8") as file:
            rows = list(csv.reader(file))
        assert rows[0] == table.column_names
        assert len(rows) - 1 == table.num_rows
        assert rows[1] == [str(value) for value in table.to_pylist()[0].values()]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["rows.csv", "rows.parquet"]


def test_a_sink_holds_what_one_call_would(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from pyarrow import parquet

    from petricore.simulation import simulate

    monkeypatch.setattr(simulate, "_BATCH_BYTES", 1000)
    path = tmp_path / "rows.parquet"
    arguments: dict[str, Any] = {
        "until": 1.0,
        "replicas": 50,
        "seed": 1,
        "observables": {"left": pc.Final("a")},
        "initial": np.stack([np.arange(50), np.zeros(50, np.int64)], axis=1),
    }
    for record in ("final", "grid", "events"):
        for rates in (None, {"t": [1.0, 2.0]}):
            whole = decay().simulate(record=record, rates=rates, **arguments)  # type: ignore[arg-type]
            told: list[int] = []
            kept = decay().simulate(record=record, rates=rates, sink=path, progress=told.append, **arguments)  # type: ignore[arg-type]
            table, expected = parquet.read_table(path), whole.to_arrow()
            assert parquet.ParquetFile(path).num_row_groups > 1
            order = [
                (name, "ascending") for name in ("point", "replica", "time") if name in table.column_names
            ]
            if record != "events":  # there rows of the same time keep no order when sorted
                assert table.sort_by(order).to_pylist() == expected.to_pylist()
            assert table.num_rows == expected.num_rows
            assert (kept.ends == whole.ends).all()
            assert (kept.events == whole.events).all()
            assert (kept.observables["left"] == whole.observables["left"]).all()
            with pytest.raises(
                pc.PetriError, match=r"the rows are not kept here, they are in '.*rows.parquet'"
            ):
                kept.final  # noqa: B018


def test_a_net_without_anything_is_a_result_without_columns(tmp_path: Path) -> None:
    engine = pc.Net("nothing").compile()
    for record in ("final", "grid", "events"):
        found = engine.simulate(until=1, replicas=3, record=record)  # type: ignore[arg-type]
        assert (found.ends == "dead").all()
        assert found.final.shape == (3, 0)
        assert found.quantile(0.5).shape == found.mean().shape
        assert len(found.to_pandas().columns) == 0
        found.to_csv(tmp_path / "rows.csv")
        kept = engine.simulate(until=1, replicas=3, record=record, sink=tmp_path / "rows.parquet")  # type: ignore[arg-type]
        assert kept.ends.tolist() == ["dead"] * 3


def test_names_that_are_no_utf8_are_escaped_in_files(tmp_path: Path) -> None:
    net = pc.Net("odd")
    net.add_place("p\ud800", 1)
    net.add_transition("t\ud800", inputs=["p\ud800"])
    found = net.compile().simulate(until=100, seed=1)
    assert found.to_arrow().column_names[-2:] == ["marking.p\\ud800", "firings.t\\ud800"]
    events = net.compile().simulate(until=100, seed=1, record="events")
    events.to_csv(tmp_path / "rows.csv")
    assert (tmp_path / "rows.csv").read_text(encoding="utf-8").strip().endswith(",t\\ud800")


def test_a_sink_that_fails_leaves_no_file(tmp_path: Path) -> None:
    net = pc.Net("bad")
    net.add_place("x", 3)
    net.add_transition("take", inputs=["x"], rate="x - 2.5")
    with pytest.raises(pc.SimulationError):
        net.compile().simulate(until=100, sink=tmp_path / "rows.parquet")
    assert not list(tmp_path.iterdir())
    with pytest.raises(FileNotFoundError):
        net.compile().simulate(until=100, sink=tmp_path / "nowhere" / "rows.parquet")


def test_every_record_can_be_drawn() -> None:
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot as plt

    engine = decay()
    for record in ("final", "grid", "events"):
        ax = engine.simulate(until=1.0, replicas=5, record=record).plot()  # type: ignore[arg-type]
        assert {text.get_text() for text in ax.get_legend().get_texts()} == {"a", "b"}
        plt.close(ax.figure)  # type: ignore[arg-type]
    found = engine.simulate(until=1.0, replicas=5, rates={"t": [2.0, 1.0, 3.0]})
    ax = found.plot("a")
    assert ax.get_xlabel() == "rate of t"
    assert ax.lines[0].get_xdata().tolist() == [1.0, 2.0, 3.0]  # type: ignore[union-attr]
    plt.close(ax.figure)  # type: ignore[arg-type]
    with pytest.raises(pc.NetError, match="there is no place 'c' to draw"):
        found.plot(["c"])
    with pytest.raises(pc.NetError, match="bands are two ascending quantiles"):
        found.plot(bands=(0.9, 0.1))
    with pytest.raises(pc.PetriError, match="is drawn a point at a time"):
        engine.simulate(until=1.0, grid=3, rates={"t": [2.0, 1.0]}).plot()
