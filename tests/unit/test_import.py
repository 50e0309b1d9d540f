"""`import petricore` loads the engine only: numpy and the standard library."""

import subprocess
import sys

PROBE = """
import sys
import numpy
before = set(sys.modules)
import petricore
roots = {name.partition('.')[0] for name in set(sys.modules) - before}
roots -= {*sys.stdlib_module_names, 'numpy'}
print(sorted(root for root in roots if not root.startswith('_')))
assert not {'petricore.agent', 'petricore.runtime', 'petricore.runtimes'} & set(sys.modules)
"""


def test_import_loads_nothing_beyond_numpy_and_the_standard_library() -> None:
    done = subprocess.run([sys.executable, "-c", PROBE], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "['petricore']"


def test_every_lazy_name_is_listed_and_loads() -> None:
    import petricore

    for name in petricore.__all__:
        assert getattr(petricore, name) is not None
        assert name in dir(petricore)


def test_an_unknown_name_is_an_attribute_error() -> None:
    import petricore

    assert not hasattr(petricore, "no_such_name")


def test_executors_import_neither_the_core_nor_the_agent_layer() -> None:
    probe = (
        "import sys, types\n"
        "import petricore\n"
        "before = set(sys.modules)\n"
        "import petricore.runtimes.inline, petricore.runtimes.thread\n"
        "new = {name for name in set(sys.modules) - before if name.startswith('petricore')}\n"
        "assert all(name.startswith('petricore.runtimes') for name in new), new\n"
    )
    subprocess.run([sys.executable, "-c", probe], check=True)
