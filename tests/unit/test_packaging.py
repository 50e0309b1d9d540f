"""What the installed package holds, beside its modules."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from importlib import metadata, resources
from pathlib import Path

import petricore as pc

ROOT = Path(__file__).parents[2]


def test_the_version_is_the_same_everywhere() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    cmake = re.search(r"project\(petricore VERSION (\S+)", (ROOT / "CMakeLists.txt").read_text())
    assert cmake is not None
    assert {pc.__version__, metadata.version("petricore"), cmake[1]} == {project}


def test_types_and_licence_ship() -> None:
    package = resources.files("petricore")
    assert package.joinpath("py.typed").is_file()
    assert package.joinpath("_core.pyi").is_file()
    licences = metadata.metadata("petricore").get_all("License-File")
    assert licences == ["LICENSE"]


def test_no_source_of_the_core_ships() -> None:
    files = metadata.files("petricore")
    assert files is not None
    sources = [f for f in files if f.suffix in {".cpp", ".hpp"} or f.name == "CMakeLists.txt"]
    assert sources == []


def test_the_demo_ships_every_page_of_the_repository() -> None:
    pages = {path.relative_to(ROOT / "python").as_posix() for path in (ROOT / "python").rglob("*.html")}
    shipped = resources.files("petricore")
    assert len(pages) >= 30
    assert [page for page in pages if not shipped.joinpath(page.removeprefix("petricore/")).is_file()] == []


def test_the_executors_ship_as_petricore_runtimes() -> None:
    modules = {path.name for path in (ROOT / "runtimes").glob("*.py")}
    shipped = {item.name for item in resources.files("petricore.runtimes").iterdir()}
    assert "base.py" in modules
    assert modules <= shipped


def test_importing_the_package_needs_numpy_and_the_standard_library_only() -> None:
    script = (
        "import sys, numpy; before = set(sys.modules); import petricore;"
        "print(*{name.partition('.')[0] for name in set(sys.modules) - before} - {'petricore'})"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert set(done.stdout.split()) <= set(sys.stdlib_module_names) | {"numpy"}
