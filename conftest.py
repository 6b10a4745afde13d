"""For all tests below: pytest's own tester of plugins, and a Ctrl-C that what they start hears."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Generator

# Before any test imports it: its assertions say what differs.
pytest.register_assert_rewrite("example")

pytest_plugins = ["pytester", "registered_formats", "usual_port", "zoo_summary"]

NIGHTLY = (
    "nightly(*modes): takes long, or much memory or disk: run by --nightly, which runs no others;"
    " with modes, in these modes only, for another one of them shows the same sooner"
)

# Shells and some CI systems let what runs in the background ignore Ctrl-C, or block it. Processes
# inherit both, so those that a test starts and interrupts would go on for ever.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})


CACHES = frozenset(
    {".benchmarks", ".hypothesis", ".mypy_cache", ".pytest_cache", ".ruff_cache", "__pycache__"}
)


@pytest.fixture(scope="session", autouse=True)
def nothing_is_left_in_the_checkout(pytestconfig: pytest.Config) -> Generator[None]:
    """Fail the session if a test has written to the checkout instead of a folder of its own."""
    before = set(pytestconfig.rootpath.iterdir())
    yield
    left = {path.name for path in pytestconfig.rootpath.iterdir() if path not in before} - CACHES
    if left:
        pytest.fail(f"tests have written to {pytestconfig.rootpath}: {sorted(left)}")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add `--nightly`."""
    parser.addoption("--nightly", action="store_true", help="run what takes minutes, alone")


def pytest_configure(config: pytest.Config) -> None:
    """Register the mark."""
    config.addinivalue_line("markers", NIGHTLY)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what is not asked for."""
    wanted = config.getoption("--nightly")
    left_out = [item for item in items if is_nightly(item) != wanted]
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in left_out]


def is_nightly(item: pytest.Item) -> bool:
    """Tell whether a test is left to the night, in the mode that it is run in."""
    mark = item.get_closest_marker("nightly")
    if mark is None or not mark.args:
        return mark is not None
    parameters: dict[str, object] = getattr(getattr(item, "callspec", None), "params", {})
    return parameters.get("prefectx_mode", parameters.get("mode")) in mark.args
