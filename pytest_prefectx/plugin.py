"""What pytest calls: the option, the marker, one item a mode, and the server when it is needed."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, cast

import pytest

from pytest_prefectx.fixtures import (
    dask_cluster,
    prefect_client,
    prefect_server,
    prefectx_history,
    prefectx_mode,
    prefectx_modes,
    prefectx_replay,
    prefectx_runs_log,
    prefectx_store,
    tmp_target,
    tmp_target_factory,
)
from pytest_prefectx.modes import (
    DEFAULT,
    FLAG,
    INI,
    MARKER,
    MODES,
    VARIABLE,
    chosen,
    is_prefect,
    restricted,
    why_none,
)
from pytest_prefectx.replacement import FLAG as REPLACE_FLAG
from pytest_prefectx.replacement import is_asked_for, replace_decorators
from pytest_prefectx.session import SESSION, Session, environment

if TYPE_CHECKING:
    from collections.abc import Generator

# The fixtures are here because pytest looks for them in the plugin's own module.
__all__ = [
    "dask_cluster",
    "prefect_client",
    "prefect_server",
    "prefectx_history",
    "prefectx_mode",
    "prefectx_modes",
    "prefectx_replay",
    "prefectx_runs_log",
    "prefectx_store",
    "tmp_target",
    "tmp_target_factory",
]

FIXTURE: Final = "prefectx_mode"
ALL_IN_ONE: Final = "prefectx_modes"
SERVER: Final = "prefect_server"
SERVER_MARKER: Final = "prefectx_server"
HANDED_OVER: Final = "prefectx_folder"

# An item that goes through its modes by itself needs none in its name; pytest 8.3 wants one.
NO_ID: Final[Any] = getattr(pytest, "HIDDEN_PARAM", "modes")

# The mode that an item runs in, and what is wrong with its markers.
MODE: Final = pytest.StashKey[str]()
MISTAKE: Final = pytest.StashKey[str]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option and the ini value that name the modes."""
    wanted = f"a comma-separated list of {', '.join(MODES)}; or all"
    parser.getgroup("prefectx").addoption(
        FLAG,
        metavar="MODE[,MODE...]",
        help=f"modes to run tests in: {wanted}; before ${VARIABLE}, before ini {INI}, before"
        f" {','.join(DEFAULT)}",
    )
    parser.getgroup("prefectx").addoption(
        "--prefectx-reasons",
        action="store_true",
        help="list the kinds of reasons why modes disagree, each with its page, and exit",
    )
    parser.getgroup("prefectx").addoption(
        "--prefectx-replay",
        metavar="FOLDER",
        help="make a test of each recorded call whose target lies in this folder: its function,"
        " run on the recorded arguments, must give what was kept",
    )
    parser.getgroup("prefectx").addoption(
        "--prefectx-replay-per-task",
        metavar="N",
        type=int,
        help="make tests of so many calls of each task only, the smallest outputs first",
    )
    parser.getgroup("prefectx").addoption(
        "--prefectx-update",
        action="store_true",
        help="write the files that histories and frozen calls are compared with, instead of"
        " comparing",
    )
    parser.addini(INI, f"modes to run tests in: {wanted}", type="args", default=[])
    parser.getgroup("prefectx").addoption(
        REPLACE_FLAG,
        action="store_true",
        dest="prefectx_replace_prefect",
        help="give modules that import Prefect's task and flow ours, with target=None, in the first"
        " enabled mode; the tests bring their own server",
    )


@pytest.hookimpl(tryfirst=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> None:
    """Begin before a conftest can import Prefect, which looks at the environment once."""
    _begin(early_config, early_config.known_args_namespace.prefectx_mode)


def pytest_cmdline_main(config: pytest.Config) -> int | None:
    """List the kinds of reasons instead of running tests, if asked for."""
    if not config.option.prefectx_reasons:
        return None
    from pytest_prefectx.agree.reasons import table

    sys.stdout.write(f"{table()}\n")
    return 0


def pytest_configure(config: pytest.Config) -> None:
    """Register the markers; begin, if a conftest brought this plugin in."""
    config.addinivalue_line(
        "markers",
        f"{MARKER}(*modes): run the test once in each of these modes that is enabled; of all"
        " enabled modes if none is named.",
    )
    config.addinivalue_line(
        "markers",
        f"{SERVER_MARKER}: added to each test that runs with a Prefect server; leave them out with"
        f' -m "not {SERVER_MARKER}".',
    )
    _begin(config, config.getoption("prefectx_mode"))
    if folder := config.option.prefectx_replay:
        named = config.args if config.args_source is config.ArgsSource.ARGS else []
        config.args = [*named, os.path.abspath(folder)]
    if handed_over := getattr(config, "workerinput", None):
        config.stash[SESSION].join(Path(handed_over[HANDED_OVER]))
    if is_asked_for(config):
        # Modules of tests make tasks and flows when they are collected.
        first = config.stash[SESSION].choice.modes[0]
        config.stash[SESSION].put_in_force(first)
        # Not earlier: a conftest may have to set what Prefect reads when it is imported.
        replace_decorators()


def pytest_collect_directory(path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    """Collect the folder whose recorded calls are tests."""
    folder = parent.config.option.prefectx_replay
    if folder is None or path != Path(os.path.abspath(folder)):
        return None
    from pytest_prefectx.replay.collection import ReplayFolder

    make: Any = cast("Any", ReplayFolder).from_parent
    collector: pytest.Collector = make(parent, path=path)
    return collector


def _begin(config: pytest.Config, given: str | None) -> None:
    if SESSION in config.stash:
        return
    session = config.stash[SESSION] = Session(chosen(config, given))
    config.add_cleanup(session.close)
    if any(is_prefect(mode) for mode in session.choice.modes) and not is_asked_for(config):
        session.isolate()


def pytest_report_header(config: pytest.Config) -> str:
    """Say which modes are enabled, and by what."""
    return f"prefectx: {config.stash[SESSION].choice}"


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Make one item a mode of a test that uses `prefectx_mode` or bears the marker."""
    markers = list(metafunc.definition.iter_markers(MARKER))
    names = metafunc.fixturenames
    if not markers and FIXTURE not in names and ALL_IN_ONE not in names:
        return
    try:
        modes = restricted(metafunc.config.stash[SESSION].choice, markers)
    except ValueError as error:
        pytest.fail(f"{metafunc.definition.nodeid}: {error}", pytrace=False)
    if ALL_IN_ONE in names:
        _parametrize(metafunc, ALL_IN_ONE, [pytest.param(modes, id=NO_ID)])
        if FIXTURE not in names:
            return
    elif FIXTURE not in names:
        names.append(FIXTURE)
    # Without a mode there still is one item, for its reason to be seen: it will be skipped.
    each = [pytest.param(mode, id=mode) for mode in modes] or [pytest.param(None, id="no-mode")]
    _parametrize(metafunc, FIXTURE, each)


def _parametrize(metafunc: pytest.Metafunc, name: str, parameters: list[Any]) -> None:
    metafunc.parametrize(name, parameters, indirect=True, scope="session")


def pytest_itemcollected(item: pytest.Item) -> None:
    """Settle the item's mode, and have its server set up before anything else."""
    parameters: dict[str, Any] = getattr(getattr(item, "callspec", None), "params", {})
    mode = parameters.get(FIXTURE) or _mode_of_single(item)
    if mode is None:
        return
    item.stash[MODE] = mode
    if is_asked_for(item.config):
        return
    fixtures: list[str] = getattr(item, "fixturenames", [])
    among: tuple[str, ...] = parameters.get(ALL_IN_ONE, ())
    if FIXTURE in parameters:
        _put_first(fixtures, FIXTURE)
    if any(map(is_prefect, among)) or (FIXTURE not in parameters and is_prefect(mode)):
        _put_first(fixtures, SERVER)
    if is_prefect(mode) or SERVER in fixtures:
        item.add_marker(SERVER_MARKER)


def _mode_of_single(item: pytest.Item) -> str | None:
    """Return the mode of an item that was not generated for one; None if it is not going to run."""
    choice = item.config.stash[SESSION].choice
    markers = list(item.iter_markers(MARKER))
    try:
        modes = restricted(choice, markers)
    except ValueError as error:
        # Outside a collector pytest would take a failure for an error of its own.
        item.stash[MISTAKE] = str(error)
        return None
    if not modes:
        item.add_marker(pytest.mark.skip(reason=why_none(choice, markers)))
        return None
    return modes[0]


def _put_first(fixtures: list[str], name: str) -> None:
    if name in fixtures:
        fixtures.remove(name)
    fixtures.insert(0, name)


@pytest.hookimpl(tryfirst=True)  # before pytest-xdist tells its controller, which then looks
def pytest_collection_finish(session: pytest.Session) -> None:
    """Start the server in the background if an item needs it, now that the selection is known."""
    option = session.config.option
    if option.collectonly or option.setupplan or session.testsfailed:
        return
    if any(
        item.get_closest_marker(SERVER_MARKER) and not item.get_closest_marker("skip")
        for item in session.items
    ):
        from pytest_prefectx.server.server import prefect_is_installed

        if prefect_is_installed():
            session.config.stash[SESSION].ask_for_server()
    # Modules of tests may have imported Prefect, which logs to what stderr was at that time.
    if "prefect.main" in sys.modules:
        from pytest_prefectx.server.prefect_threads import log_to_the_present_stderr

        log_to_the_present_stderr()


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """Put the item's mode in force, for its fixtures and for the processes it starts as well."""
    first = item.config.stash[SESSION].choice.modes[0]
    with environment({"PREFECTX": item.stash.get(MODE, first)}):
        return (yield)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Fail the items of unittest whose marker names no mode."""
    if mistake := item.stash.get(MISTAKE, None):
        pytest.fail(f"{item.nodeid}: {mistake}", pytrace=False)


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Tell a worker of pytest-xdist where the session's server will be."""
    node.workerinput[HANDED_OVER] = str(node.config.stash[SESSION].folder)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_node_collection_finished(node: Any) -> None:
    """Start the server for the workers of pytest-xdist as soon as one of them needs it."""
    node.config.stash[SESSION].grant_wish()
