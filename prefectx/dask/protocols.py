"""Typed protocols for the parts of Dask that are used here, because it has few annotations."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from prefectx.dask.options import Check


FOLDER: Final = "prefectx"
"""The key of the shared data in the scheduler's metadata."""


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
    """A task runner whose workers can tell whether they see a file."""

    @property
    def check(self) -> Check:
        """The option `check`."""
        ...

    @property
    def is_local(self) -> bool:
        """True if its workers are on this machine."""
        ...

    @property
    def is_not_started(self) -> bool:
        """True if its cluster has not started yet."""
        ...

    @property
    def logger(self) -> Any:
        """The logger for warnings."""
        ...


class DaskClient(Protocol):
    """A `distributed.Client`.

    Attributes:
        id: The client's id on the scheduler.
        status: `running`; `connecting` after the loss of its scheduler; `closed`.
        scheduler: The connection to the scheduler, with its `address`; None after it is closed.
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
        """Cancel tasks."""

    def set_metadata(self, key: Sequence[str], value: Any) -> None:
        """Store a value on the scheduler."""

    def run_on_scheduler(self, function: Callable[..., Any], *args: Any) -> Any:
        """Call a function in the scheduler's process."""

    def scheduler_info(self, n_workers: int = -1) -> dict[str, Any]:
        """Return a description of the scheduler and its workers."""
        ...


def client_of(task_runner: object) -> DaskClient:
    """Return the client of a task runner's cluster; start or connect it if necessary."""
    runner: Any = task_runner
    found: DaskClient = runner.client
    return found


def size_of(value: Any) -> int:
    """Return the approximate size of a value in memory, in bytes."""
    import dask.sizeof

    untyped: Any = dask.sizeof
    size: int = untyped.sizeof(value)
    return size


def metadata(*keys: str) -> Any:
    """Return the value that the scheduler of this worker stores under these keys."""
    import distributed
    from distributed.utils import sync

    untyped: Any = distributed
    worker = untyped.get_worker()
    return sync(worker.loop, worker.scheduler.get_metadata, keys=list(keys))
