"""Typed protocols for the parts of Dask that are used here: it has few annotations of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from prefectx.dask.options import Check


FOLDER: Final = "prefectx"
"""The name under which the scheduler's metadata holds what many calls share."""


class DaskResult(Protocol):
    """A `distributed.Future`.

    Attributes:
        key: The task's name on the scheduler.
        status: `pending`, `finished`, `error`, `cancelled` or `lost`.
        type: The type of the result, once it is finished.
    """

    key: Any

    @property
    def status(self) -> str: ...  # noqa: D102

    @property
    def type(self) -> Any: ...  # noqa: D102

    def result(self, timeout: float | None = None) -> Any:
        """Wait for the result and fetch it."""


class CheckedRunner(Protocol):
    """A task runner whose workers can be asked whether they see a file."""

    @property
    def check(self) -> Check:
        """Who looks for targets."""
        ...

    @property
    def is_local(self) -> bool:
        """Whether its workers are on this machine."""
        ...

    @property
    def is_coming(self) -> bool:
        """Whether its cluster has not started yet."""
        ...

    @property
    def logger(self) -> Any:
        """Where it says what it finds."""
        ...


class DaskClient(Protocol):
    """A `distributed.Client`.

    Attributes:
        id: Which of the scheduler's clients it is.
        status: `running`; `connecting` while it has lost its scheduler; `closed`.
        scheduler: How to call the scheduler, by its `address`; None once it is given up.
    """

    id: str
    status: str
    scheduler: Any

    def submit(self, function: Callable[..., Any], *args: Any, **how: Any) -> DaskResult:
        """Start a task."""
        ...

    def gather(self, futures: Sequence[DaskResult]) -> list[Any]:
        """Wait for results and fetch them."""
        ...

    def cancel(self, futures: Sequence[DaskResult], *, reason: str) -> None:
        """Give tasks up."""

    def set_metadata(self, key: Sequence[str], value: Any) -> None:
        """Keep something on the scheduler."""

    def run_on_scheduler(self, function: Callable[..., Any], *args: Any) -> Any:
        """Call a function in the scheduler's process."""

    def scheduler_info(self, n_workers: int = -1) -> dict[str, Any]:
        """Tell of the scheduler and its workers."""
        ...


def client_of(task_runner: object) -> DaskClient:
    """Return the client of a task runner's cluster, which this makes or connects to."""
    runner: Any = task_runner
    found: DaskClient = runner.client
    return found


def size_of(value: Any) -> int:
    """Return about how many bytes a value takes in memory."""
    import dask.sizeof

    untyped: Any = dask.sizeof
    size: int = untyped.sizeof(value)
    return size


def metadata(*keys: str) -> Any:
    """Return what the scheduler keeps under these names, for whom a worker runs here."""
    import distributed
    from distributed.utils import sync

    untyped: Any = distributed
    worker = untyped.get_worker()
    return sync(worker.loop, worker.scheduler.get_metadata, keys=list(keys))
