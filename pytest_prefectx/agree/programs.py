"""`Program`: a flow, a task or a function, with calls to make in a mode."""

from __future__ import annotations

import contextvars
import functools
import inspect
import os
import pickle
import shutil
import threading
import warnings
from contextlib import chdir, contextmanager
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, Final, NamedTuple, cast

from prefectx import flow, load, use_mode
from prefectx._api.task import Task
from prefectx._runners import use_runner
from prefectx._values.coroutines import run_coroutine
from prefectx.errors import StaleTarget
from prefectx.stores import Filestore
from pytest_prefectx.agree.formatting import short_text
from pytest_prefectx.agree.process_state import ProcessState
from pytest_prefectx.equality import Difference, difference, identical
from pytest_prefectx.quiet_copies import deep_copy, no_deprecations
from pytest_prefectx.targets import names_below

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Mapping, Sequence

    from prefectx._runners.base import Runner


LONGEST_ERROR: Final = 500


class Arguments(NamedTuple):
    """The arguments of one call."""

    args: tuple[Any, ...] = ()
    kwargs: Mapping[str, Any] = {}

    def fresh(self) -> Arguments:
        """Return a copy, which the call may change.

        A value that cannot be copied, such as a lock or a marker that is compared by identity, is
        passed on itself.
        """
        args = tuple(map(snapshot, self.args))
        return Arguments(args, {name: snapshot(value) for name, value in self.kwargs.items()})

    def __str__(self) -> str:
        named = [f"{name}={short_text(value)}" for name, value in self.kwargs.items()]
        return ", ".join([*map(short_text, self.args), *named])


class Outcome(NamedTuple):
    """The outcome of one call: data, or an exception."""

    data: Any = None
    error: BaseException | None = None

    def differs_from(self, other: Outcome) -> Difference | None:
        """Return the first difference between `other` and this one."""
        if (self.error is None) != (other.error is None):
            return Difference("", other.value, self.value, "one raised")
        return difference(other.value, self.value)

    @property
    def value(self) -> Any:
        """The exception, or else the data."""
        return self.data if self.error is None else self.error

    def __str__(self) -> str:
        if self.error is None:
            return short_text(self.data)
        text = " ".join(str(self.error).split())[:LONGEST_ERROR]
        return f"raised {type(self.error).__name__}: {text}" if text else f"raised {self.error!r}"


class Program:
    """A flow, a task or a function that calls some, with calls to make.

    Args:
        subject: The flow, task or function.
        calls: The arguments of the calls, made one after the other on one store.
    """

    def __init__(self, subject: Callable[..., Any], calls: Sequence[Arguments]) -> None:
        self.subject: Final = subject
        self.calls: Final = tuple(calls)

    @property
    def name(self) -> str:
        """The name of the subject."""
        return getattr(self.subject, "__name__", None) or repr(self.subject)

    @cached_property
    def state(self) -> ProcessState:
        """The state of the process at the first access, which is before the first trial."""
        subject: Any = self.subject
        return ProcessState((subject, *self.calls))

    def run(self, mode: str) -> list[Outcome]:
        """Make the calls in `mode`, in the current folder; return their outcomes."""
        with use_mode(mode):
            return self._outcomes_in_own_context()

    def run_by(self, runner: Runner, mode: str = "function") -> list[Outcome]:
        """Make the calls with `runner` instead of the runner of `mode`."""
        with use_mode(mode), use_runner(runner), threads_in_this_context():
            return self._outcomes_in_own_context()

    def _outcomes_in_own_context(self) -> list[Outcome]:
        # Context variables that the program sets are not there in the next trial.
        return contextvars.copy_context().run(self._outcomes)

    def _outcomes(self) -> list[Outcome]:
        with warnings.catch_warnings(), chdir(os.getcwd()):
            # The use of targets of earlier runs is part of the trial.
            warnings.simplefilter("ignore", StaleTarget)
            subject: Any = self.subject
            if isinstance(subject, Task):
                return _run_in_flow(cast("Task[..., Any]", subject), self.calls)
            return [_outcome(subject, call) for call in self.calls]


@contextmanager
def threads_in_this_context() -> Generator[None]:
    """Let threads that are started within the `with` statement have its mode and runner."""
    start = threading.Thread.start

    def start_here(thread: threading.Thread) -> None:
        context = contextvars.copy_context()
        thread.run = functools.partial(context.run, thread.run)  # type: ignore[method-assign]
        start(thread)

    threading.Thread.start = start_here  # type: ignore[method-assign, assignment]
    try:
        yield
    finally:
        threading.Thread.start = start  # type: ignore[method-assign]


def _run_in_flow(task: Task[..., Any], calls: Sequence[Arguments]) -> list[Outcome]:
    """Make all calls of a task in one flow run, which is quicker than a run for each call."""
    outcomes: list[Outcome] = []

    def calls_of_task() -> None:
        outcomes.extend(_outcome(task, call) for call in calls)

    flow(name=f"calls of {task.name}")(calls_of_task)()
    return outcomes


def _outcome(subject: Callable[..., Any], call: Arguments) -> Outcome:
    args, kwargs = call.fresh()
    try:
        data = load(wait_for_result(subject(*args, **kwargs)))
    except Exception as error:  # noqa: BLE001 - exceptions are compared too
        return Outcome(error=error)
    return Outcome(snapshot(data))


def wait_for_result(result: Any) -> Any:
    """Return the final result of a call: await a coroutine, collect a generator's elements."""
    if inspect.iscoroutine(result):
        result = run_coroutine(result)
    if inspect.isasyncgen(result):
        return run_coroutine(_collect(result))
    return list(result) if inspect.isgenerator(result) else result


async def _collect(elements: Any) -> list[Any]:
    return [element async for element in elements]


def snapshot(value: Any) -> Any:
    """Return a deep copy; the value itself if its copy would not be identical."""
    try:
        copied = deep_copy(value)
        return copied if identical(value, copied) else value
    except Exception:  # noqa: BLE001 - any class may refuse in any way
        return value


def pickle_copy(value: Any) -> Any:
    """Return a copy by pickle; if that fails, a deep copy or the value itself."""
    try:
        with no_deprecations():
            return pickle.loads(pickle.dumps(value))
    except Exception:  # noqa: BLE001 - any class may refuse in any way
        return snapshot(value)


class Folder:
    """The folder of the trials; its path never changes, because data may hold it."""

    def __init__(self, path: Path) -> None:
        self.path: Final = path

    def targets(self) -> list[str]:
        """Return the targets, sorted; a folder that is a target is listed as one."""
        return sorted(set(map(self._whole, names_below(self.path))))

    def lose(self, names: Sequence[str]) -> None:
        """Delete these targets, as a user would."""
        for name in names:
            if (self.path / name).is_dir():
                shutil.rmtree(self.path / name)
            else:
                (self.path / name).unlink(missing_ok=True)

    def empty(self) -> None:
        """Remove everything in the folder."""
        for entry in os.scandir(self.path):
            if entry.is_dir(follow_symlinks=False):
                shutil.rmtree(entry)
            else:
                os.unlink(entry)

    def _whole(self, name: str) -> str:
        """Return the target of a file: itself, or a folder around it."""
        parts = name.split("/")
        wholes = ("/".join(parts[:length]) for length in range(1, len(parts)))
        store = Filestore(self.path)
        return next((whole for whole in wholes if store.load_record(whole) is not None), name)


@contextmanager
def fresh_folder() -> Generator[Folder]:
    """Yield a temporary folder, which is the current one within the `with` statement."""
    with TemporaryDirectory(prefix="prefectx-agree-") as name:
        path = Path(name).resolve()
        with chdir(path):
            yield Folder(path)
