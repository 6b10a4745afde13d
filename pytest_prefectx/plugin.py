"""pytest's hooks: options, markers, one item for each mode, and the start of the server."""

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
    choose_modes,
    is_prefect,
    restrict_modes,
    skip_reason,
)
from pytest_prefectx.old_targets import OldTargets
from pytest_prefectx.replacement import FLAG as REPLACE_FLAG
from pytest_prefectx.replacement import is_replacement_enabled, replace_decorators
from pytest_prefectx.session import SESSION, Session, environment, runs_what_is_collected

if TYPE_CHECKING:
    from collections.abc import Generator

# pytest looks for fixtures in the plugin's own module.
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
WORKER_FOLDER: Final = "prefectx_folder"
WORKER_START: Final = "prefectx_start"

# The id of an item that runs in all modes itself: none, except in pytest 8.3, which needs one.
NO_ID: Final[Any] = getattr(pytest, "HIDDEN_PARAM", "modes")

# Stashed with an item: its mode, the error in its markers, and the watcher for old targets.
MODE: Final = pytest.StashKey[str]()
MISTAKE: Final = pytest.StashKey[str]()
OLD_TARGETS: Final = pytest.StashKey[OldTargets]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options and the ini value."""
    wanted = f"a comma-separated list of {', '.join(MODES)}; or all"
    parser.getgroup("prefectx").addoption(
        FLAG,
        metavar="MODE[,MODE...]",
        help=f"modes to run tests in: {wanted}. By default those of ${VARIABLE}, of ini {INI}, or"
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
        help="add a test for each recorded call whose target is in this folder: its function, run"
        " with the recorded arguments, must return the stored output",
    )
    parser.getgroup("prefectx").addoption(
        "--prefectx-replay-per-task",
        metavar="N",
        type=int,
        help="limit the number of these tests for each task; the smallest outputs come first",
    )
    parser.getgroup("prefectx").addoption(
        "--prefectx-update",
        action="store_true",
        help="write the files of histories and frozen calls, instead of comparing with them",
    )
    parser.addini(INI, f"modes to run tests in: {wanted}", type="args", default=[])
    parser.getgroup("prefectx").addoption(
        REPLACE_FLAG,
        action="store_true",
        dest="prefectx_replace_prefect",
        help="replace Prefect's task and flow by those of prefectx, with target=None, in the first"
        " enabled mode; the tests start their own server",
    )


@pytest.hookimpl(tryfirst=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> None:
    """Start before a conftest can import Prefect, which reads the environment once."""
    _begin(early_config, early_config.known_args_namespace.prefectx_mode)


def pytest_cmdline_main(config: pytest.Config) -> int | None:
    """Print the kinds of reasons instead of running tests, with the option for it."""
    if not config.option.prefectx_reasons:
        return None
    from pytest_prefectx.agree.reasons import table

    sys.stdout.write(f"{table()}\n")
    return 0


def pytest_configure(config: pytest.Config) -> None:
    """Register the markers; start, if a conftest has loaded this plugin."""
    config.addinivalue_line(
        "markers",
        f"{MARKER}(*modes): run the test once in each of these modes that is enabled; without"
        " arguments, in each enabled mode.",
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
    if worker_input := getattr(config, "workerinput", None):
        folder, start = Path(worker_input[WORKER_FOLDER]), worker_input[WORKER_START]
        config.stash[SESSION].join(folder, start)
    if is_replacement_enabled(config):
        # Test modules create tasks and flows when they are collected.
        first = config.stash[SESSION].choice.modes[0]
        config.stash[SESSION].set_mode(first)
        # Not earlier: a conftest may set variables that Prefect reads at its import.
        replace_decorators()


def pytest_collect_directory(path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    """Collect the recorded calls of a folder as tests."""
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
    session = config.stash[SESSION] = Session(choose_modes(config, given))
    config.add_cleanup(session.close)
    if any(is_prefect(mode) for mode in session.choice.modes) and not is_replacement_enabled(
        config
    ):
        session.isolate()


def pytest_report_header(config: pytest.Config) -> str:
    """Return the line with the enabled modes and their source."""
    return f"prefectx: {config.stash[SESSION].choice}"


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Make one item for each mode of a test that uses `prefectx_mode` or has the marker."""
    markers = list(metafunc.definition.iter_markers(MARKER))
    names = metafunc.fixturenames
    if not markers and FIXTURE not in names and ALL_IN_ONE not in names:
        return
    try:
        modes = restrict_modes(metafunc.config.stash[SESSION].choice, markers)
    except ValueError as error:
        pytest.fail(f"{metafunc.definition.nodeid}: {error}", pytrace=False)
    if ALL_IN_ONE in names:
        _parametrize(metafunc, ALL_IN_ONE, [pytest.param(modes, id=NO_ID)])
        if FIXTURE not in names:
            return
    elif FIXTURE not in names:
        names.append(FIXTURE)
    # Without any mode there is one item, which is skipped with its reason.
    each = [pytest.param(mode, id=mode) for mode in modes] or [pytest.param(None, id="no-mode")]
    _parametrize(metafunc, FIXTURE, each)


def _parametrize(metafunc: pytest.Metafunc, name: str, parameters: list[Any]) -> None:
    metafunc.parametrize(name, parameters, indirect=True, scope="session")


def pytest_itemcollected(item: pytest.Item) -> None:
    """Set the item's mode, and order its fixtures so that the server comes first."""
    parameters: dict[str, Any] = getattr(getattr(item, "callspec", None), "params", {})
    mode = parameters.get(FIXTURE) or _mode_of_single(item)
    if mode is None:
        return
    item.stash[MODE] = mode
    if is_replacement_enabled(item.config):
        return
    fixtures: list[str] = getattr(item, "fixturenames", [])
    among: tuple[str, ...] = parameters.get(ALL_IN_ONE, ())
    if FIXTURE in parameters:
        _put_first(fixtures, FIXTURE)
    if any(map(is_prefect, among)) or (FIXTURE not in parameters and is_prefect(mode)):
        _put_first(fixtures, SERVER)
    if is_prefect(mode) or SERVER in fixtures:
        item.add_marker(SERVER_MARKER)
        if runs_what_is_collected(item.config) and not item.get_closest_marker("skip"):
            item.config.stash[SESSION].ask_for_server()


def _mode_of_single(item: pytest.Item) -> str | None:
    """Return the mode of an item without a parameter; None if it will not run."""
    choice = item.config.stash[SESSION].choice
    markers = list(item.iter_markers(MARKER))
    try:
        modes = restrict_modes(choice, markers)
    except ValueError as error:
        # Raised later: here pytest would report an internal error.
        item.stash[MISTAKE] = str(error)
        return None
    if not modes:
        item.add_marker(pytest.mark.skip(reason=skip_reason(choice, markers)))
        return None
    return modes[0]


def _put_first(fixtures: list[str], name: str) -> None:
    if name in fixtures:
        fixtures.remove(name)
    fixtures.insert(0, name)


@pytest.hookimpl(tryfirst=True)  # before pytest-xdist informs its controller
def pytest_collection_finish(session: pytest.Session) -> None:
    """Start the server in the background, unless it has, if a selected item needs it."""
    option = session.config.option
    if option.collectonly or option.setupplan or session.testsfailed:
        return
    if any(
        item.get_closest_marker(SERVER_MARKER) and not item.get_closest_marker("skip")
        for item in session.items
    ):
        session.config.stash[SESSION].ask_for_server()
    # Test modules may have imported Prefect, which logs to the stderr of that time.
    if "prefect.main" in sys.modules:
        from pytest_prefectx.server.prefect_threads import log_to_current_stderr

        log_to_current_stderr()


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """Set the item's mode in the environment, for its fixtures and child processes too."""
    session = item.config.stash[SESSION]
    old_targets = item.stash[OLD_TARGETS] = OldTargets(session.start)
    with environment({"PREFECTX": item.stash.get(MODE, session.choice.modes[0])}):
        try:
            return (yield)
        finally:
            old_targets.close()


@pytest.hookimpl(trylast=True)  # after the fixtures' own ends
def pytest_runtest_teardown(item: pytest.Item) -> None:
    """Warn if the test has used targets that are older than the session."""
    item.stash[OLD_TARGETS].warn(item)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Fail the items of unittest that have an unknown mode in a marker."""
    if mistake := item.stash.get(MISTAKE, None):
        pytest.fail(f"{item.nodeid}: {mistake}", pytrace=False)


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Send the folder of the session's server to a worker of pytest-xdist."""
    session = node.config.stash[SESSION]
    node.workerinput[WORKER_FOLDER] = str(session.folder)
    node.workerinput[WORKER_START] = session.start


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_node_collection_finished(node: Any) -> None:
    """Start the server as soon as one worker of pytest-xdist needs it."""
    node.config.stash[SESSION].start_requested_server()
