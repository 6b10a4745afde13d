"""The fixtures for test authors."""

from __future__ import annotations

import os
from contextlib import AbstractContextManager, closing, contextmanager
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Protocol

import pytest

from pytest_prefectx.modes import is_prefect
from pytest_prefectx.session import SESSION
from pytest_prefectx.targets import RUNS_LOG, Targets, enter

if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from pathlib import Path

    from distributed import LocalCluster
    from prefect.client.orchestration import SyncPrefectClient

    from prefectx.stores import Store
    from pytest_prefectx.server.client import PrefectServer


class TargetsFactory(Protocol):
    """The type of the fixture `tmp_target_factory`."""

    def __call__(self, store: Store | None = None) -> AbstractContextManager[Targets]:
        """Return a context manager that yields a fresh `tmp_target`."""
        ...


@pytest.fixture(scope="session")
def prefectx_mode(request: pytest.FixtureRequest) -> str:
    """The mode of the test. A test with this fixture runs once in each enabled mode."""
    # Tests that cannot be generated, such as those of unittest, have no parameter.
    mode: str = getattr(request, "param", os.environ["PREFECTX"])
    if is_prefect(mode):
        request.getfixturevalue("prefect_server")
    return mode


# Session scope, because hypothesis refuses fixtures of function scope.
@pytest.fixture(scope="session")
def prefectx_modes(request: pytest.FixtureRequest) -> tuple[str, ...]:
    """The enabled modes, for a test that runs in all of them in one item.

    If a Prefect mode is among them, the server is running.
    """
    if not hasattr(request, "param"):
        pytest.fail(
            "the fixture prefectx_modes works only as an argument of a test function or of one of"
            " its fixtures, not with unittest.TestCase, doctests or getfixturevalue.",
            pytrace=False,
        )
    modes: tuple[str, ...] = request.param
    return modes


@pytest.fixture(scope="session")
def prefect_client(prefect_server: PrefectServer) -> Generator[SyncPrefectClient]:
    """Prefect's own synchronous client of `prefect_server`, for any test.

    It is `get_client(sync_client=True)`, open during the whole session. In an asynchronous test,
    `async with get_client() as client:` gives an asynchronous client of the same server.
    """
    from prefect.client.orchestration import get_client

    with get_client(sync_client=True) as client:
        yield client


@pytest.fixture(scope="session")
def prefect_server(pytestconfig: pytest.Config) -> Generator[PrefectServer]:
    """A real, isolated Prefect server, which flows and tasks use."""
    from pytest_prefectx.server.server import require_prefect

    require_prefect()
    from pytest_prefectx.server.client import connect

    session = pytestconfig.stash[SESSION]
    session.ensure_server()
    with connect(session.folder, session.server) as server:
        yield server


@pytest.fixture
def prefectx_store() -> Store | None:
    """The store of `tmp_target`: override it if tasks store their outputs elsewhere.

    By default it is the fresh folder. The store must be fresh too, or have a relative path, which
    is then in that folder.
    """
    return None


@pytest.fixture
def tmp_target(
    tmp_path: Path,
    prefectx_runs_log: Path,
    prefectx_store: Store | None,
    monkeypatch: pytest.MonkeyPatch,
) -> Targets:
    """A fresh folder for targets, which is the current folder of the test."""
    return enter(tmp_path / "targets", prefectx_runs_log, monkeypatch, prefectx_store)


@pytest.fixture(scope="session")
def tmp_target_factory(
    tmp_path_factory: pytest.TempPathFactory, prefectx_runs_log: Path
) -> TargetsFactory:
    """A function that returns a context manager with a fresh `tmp_target`, for use in `@given`."""

    @contextmanager
    def fresh(store: Store | None = None) -> Generator[Targets]:
        with pytest.MonkeyPatch.context() as patch:
            yield enter(tmp_path_factory.mktemp("targets"), prefectx_runs_log, patch, store)

    return fresh


@pytest.fixture(scope="session")
def prefectx_runs_log(tmp_path_factory: pytest.TempPathFactory) -> Generator[Path]:
    """The file in which prefectx notes each run of a task, during the whole session."""
    # One file per session, because workers that outlive a test keep their environment.
    log = tmp_path_factory.mktemp("prefectx") / "runs.log"
    log.touch()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(RUNS_LOG, str(log))
        yield log


@pytest.fixture(scope="session")
def dask_cluster(
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
    prefectx_runs_log: Path,  # the workers need it in their environment
) -> Generator[LocalCluster]:
    """A real Dask cluster of two worker processes, during the whole session."""
    if find_spec("distributed") is None:
        from prefectx.errors import MissingExtra

        msg = 'the fixture dask_cluster needs distributed: pip install "prefectx[dask]"'
        raise MissingExtra(msg)
    if request.config.stash[SESSION].server_is_expected:
        # Workers that start without PREFECT_API_URL would start servers.
        request.getfixturevalue("prefect_server")
    import dask.config
    from distributed import LocalCluster

    folder = str(tmp_path_factory.mktemp("dask"))
    # As an option of the cluster alone, the folder would apply to the workers only.
    with dask.config.set({"temporary-directory": folder}):
        cluster = LocalCluster(  # distributed has no annotations
            n_workers=2,
            threads_per_worker=1,
            processes=True,
            dashboard_address=":0",
            local_directory=folder,
        )
    with closing(cluster):
        yield cluster


@pytest.fixture
def prefectx_replay() -> Callable[..., None]:
    """A function that runs the recorded calls below a folder again and compares their outputs.

    `prefectx_replay("working", per_task=5)` fails with a list of all differences.
    """
    from pytest_prefectx.replay.recorded import NotReplayed, OutputDiffers, recorded_calls

    def replay(folder: str | Path, per_task: int | None = None) -> None:
        __tracebackhide__ = True
        different: list[str] = []
        for call in recorded_calls(folder, per_task):
            try:
                call.check()
            except OutputDiffers as error:
                different.append(str(error))
            except NotReplayed:
                continue
        if different:
            raise AssertionError("\n\n".join(different))

    return replay


@pytest.fixture
def prefectx_history(request: pytest.FixtureRequest) -> Callable[..., None]:
    """A function that compares the calls of a flow with those in a file, without running a task.

    `prefectx_history("calls.jsonl", flow, *args)`: the file is beside the test; with
    `--prefectx-update` it is written.
    """
    from pytest_prefectx.replay.history import History

    def compare(file: str, flow: Callable[..., Any], /, *args: Any, **kwargs: Any) -> None:
        __tracebackhide__ = True
        path = request.path.parent / file
        now = History.of(flow, *args, **kwargs)
        if request.config.getoption("prefectx_update"):
            now.write(path)
        elif not path.exists():
            pytest.fail(f"{path} does not exist: write it with --prefectx-update", pytrace=False)
        else:
            History.read(path).check(now)

    return compare
