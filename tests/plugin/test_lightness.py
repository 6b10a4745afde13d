"""The cost of the plugin for those who do not use it."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from example import Example

PLAIN = "def test_plain(): pass"

TELLS_IMPORTS = """
import sys

# Before hypothesis' plugin imports hypothesis, to add nothing to the summary.
def pytest_sessionfinish():
    heavy = {"prefect", "prefectx", "hypothesis", "httpx", "distributed", "pandas"}
    print("\\nimported:", sorted(heavy & sys.modules.keys()))
"""

# CPU milliseconds that collecting takes longer with the plugin than without, in one process, with
# the plugin's modules imported anew each time: the least of several, because others use the CPU.
MEASURES = """
import contextlib, os, sys, time
import pytest

def collect(*plugin):
    for name in [name for name in sys.modules if name.split(".")[0] == "pytest_prefectx"]:
        del sys.modules[name]
    start = time.process_time()
    with open(os.devnull, "w") as nowhere, contextlib.redirect_stdout(nowhere):
        assert pytest.main(["--collect-only", "-p", "no:cacheprovider", *plugin]) == 0
    return time.process_time() - start

collect()
collect("-p", "pytest_prefectx.plugin")
print(1000 * min(collect("-p", "pytest_prefectx.plugin") - collect() for _ in range(7)))
"""


def test_a_plain_run_imports_nothing_heavy_and_starts_nothing(
    example: Callable[..., Example],
) -> None:
    """Nor do the plugins of hypothesis, anyio and others, which pytest finds as well."""
    run = example(PLAIN, conftest=TELLS_IMPORTS).run()
    run.ends(passed=1).starts_servers(0).says("prefectx: modes=*").says("imported: [[][]]")


def test_it_adds_less_than_15_ms_to_collecting(example: Callable[..., Example]) -> None:
    """It is compiled only once, as everywhere."""
    compiled = {"PYTHONDONTWRITEBYTECODE": "", "PYTHONPYCACHEPREFIX": "compiled"}
    project = example(PLAIN, env={"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", **compiled})
    (project.folder / "pytest.ini").write_text("[pytest]")
    command = [sys.executable, "-c", MEASURES]
    said = subprocess.check_output(command, cwd=project.folder, env=project.environment, text=True)
    assert float(said) < 15


def test_the_plugin_can_be_turned_off(example: Callable[..., Example]) -> None:
    """`-p no:prefectx` leaves no option, no header, no mode in force and no marker."""
    project = example(
        "import os\ndef test_plain(): assert 'PREFECTX' not in os.environ",
        test_marked="import pytest\n@pytest.mark.prefectx\ndef test_marked(): pass",
    )
    project.run("-p", "no:prefectx", "test_it.py").ends(passed=1).never_says("prefectx: modes*")
    off = project.run("-p", "no:prefectx", "--strict-markers")
    off.exits(2).says("*'prefectx' not found in `markers` configuration option")
    off = project.run("-p", "no:prefectx", "--prefectx-mode=cache")
    assert "unrecognized arguments: --prefectx-mode=cache" in off.exits(4).stderr
