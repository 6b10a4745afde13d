"""`task` and `flow`: the decorators, with the options of both."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, ParamSpec, TypeVar, Unpack, cast, overload

from prefectx._api.class_methods import take_class_methods
from prefectx._api.flow import Flow
from prefectx._api.task import Task
from prefectx._naming.options import (
    FLOW_OPTIONS,
    TASK_OPTIONS,
    FlowOptions,
    TaskOptions,
    check_options,
)
from prefectx._values.references import is_static_or_class_method

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

P = ParamSpec("P")
R = TypeVar("R")


class TaskDecorator:
    """`task`: decorates a function, or takes options by name and returns a decorator.

    `@task`, `@task(target=…)`, or `task = task(target=…)` for all tasks of a module. An option
    that is left out is inherited.

    Options of prefectx:
        target: the name under which the output is stored, an f-string body; None: not stored.
        base: the value of {base} in templates, unless `context` sets it: an f-string body.
        store: the store of the output, or its class; None: the function writes its target.
        save: False: the function writes its target, and the store checks whether it exists.
        name: the task's name; with {…} in it, the name of each run, an f-string body.
        modules: modules that templates may use, besides os, datetime and Path.
        rerun_on: the reasons to recompute an output: "inputs", "code", "upstream", "expired".
        expires: the age at which an output expires.
        files: the arguments that name files, which are compared by content: see `InFile`.
        once: True: if processes miss a target at the same time, one makes it, the others wait.
        isolate: True: runs in a child process, in all modes except `function`.
        resources: Dask resources that a run needs: {"GPU": 1}.
        priority: Dask's priority: the highest runs first; by default 0.
        workers: the Dask workers that may run it: addresses, names or hosts.

    Options of Prefect, used in the Prefect modes (`cache` uses retries and timeouts too):
        description: text for the API; by default the docstring.
        tags: tags of each task run.
        version: the task's version, a text.
        cache_policy: which calls share a result in Prefect's own cache.
        cache_key_fn: a function that returns the key in Prefect's own cache.
        cache_expiration: how long a result in Prefect's own cache is valid.
        task_run_name: the name of each run, or a function that returns it.
        retries: how often a failed run is tried again.
        retry_delay_seconds: how long to wait before each retry.
        retry_jitter_factor: how much that wait varies at random.
        retry_condition_fn: a function that tells whether a failed run is tried again.
        persist_result: whether Prefect stores the result too.
        result_storage: where Prefect stores it.
        result_serializer: how Prefect writes it.
        result_storage_key: under which key Prefect stores it.
        cache_result_in_memory: whether Prefect keeps the result in memory.
        timeout_seconds: how long a run may take.
        log_prints: whether print goes to the run's log.
        refresh_cache: whether Prefect's own cache is ignored.
        on_completion: functions called when a run completes.
        on_failure: functions called when a run fails.
        on_running: functions called when a run starts.
        on_rollback: functions called when a transaction is rolled back.
        on_commit: functions called when a transaction is committed.
        viz_return_value: the output that `flow.visualize` uses.
        asset_deps: assets that the task depends on.

    Example:
        >>> task = task(target="out/{funcname}/{day}.json")
        >>> @task
        ... def count(day: str) -> int:
        ...     return len(day)
        >>> count("monday")
        6
        >>> count.item("monday").target
        'out/count/monday.json'
    """

    def __init__(self, **options: Unpack[TaskOptions]) -> None:
        check_options(options, TASK_OPTIONS, "task")
        self.options: Final = options
        # `help(task)` shows an object's own docstring; otherwise its class with all methods.
        self.__doc__ = f"\n{type(self).__doc__}"

    def __repr__(self) -> str:
        return _text_of("task", self.options)

    @overload
    def __call__(self, fn: Callable[P, R], /, **options: Unpack[TaskOptions]) -> Task[P, R]: ...
    @overload
    def __call__(self, /, **options: Unpack[TaskOptions]) -> TaskDecorator: ...
    def __call__(self, fn: Any = None, /, **options: Unpack[TaskOptions]) -> Any:
        """Decorate a function, or return a decorator with these options on top of its own."""
        merged = cast("TaskOptions", {**self.options, **options})
        if fn is None:
            return TaskDecorator(**merged)
        _check_function("task", fn)
        decorated: Task[..., Any] = Task(fn, merged)
        take_class_methods(decorated)
        return decorated


class FlowDecorator:
    """`flow`: decorates a function, or takes options by name and returns a decorator.

    `@flow`, `@flow(retries=2)`, or `flow = flow(log_prints=True)` for all flows of a module. An
    option that is left out is inherited. A flow has all methods of Prefect's: `serve`, `deploy`, ….

    Options of prefectx:
        rerun_on: the reasons to recompute outputs, for all tasks of the flow: as for `task`.

    Options of Prefect, used in the Prefect modes and without effect in the others:
        name: the flow's name; by default the function's, with - for _.
        description: text for the API; by default the docstring.
        version: the flow's version, a text.
        flow_run_name: the name of each run, or a function that returns it.
        retries: how often a failed run is tried again.
        retry_delay_seconds: how long to wait before each retry.
        task_runner: the runner of submitted tasks; prefectx.dask.task_runner for Dask.
        timeout_seconds: how long a run may take.
        validate_parameters: whether arguments are converted by their annotations.
        persist_result: whether Prefect stores the result.
        result_storage: where Prefect stores it.
        result_serializer: how Prefect writes it.
        cache_result_in_memory: whether Prefect keeps the result in memory.
        log_prints: whether print goes to the run's log.
        on_completion: functions called when a run completes.
        on_failure: functions called when a run fails.
        on_cancellation: functions called when a run is cancelled.
        on_crashed: functions called when a run crashes.
        on_running: functions called when a run starts.

    Example:
        >>> @flow
        ... def greet(name: str) -> str:
        ...     return f"hello {name}"
        >>> greet("marvin")
        'hello marvin'
    """

    def __init__(self, **options: Unpack[FlowOptions]) -> None:
        check_options(options, FLOW_OPTIONS, "flow")
        self.options: Final = options
        # `help(flow)` shows an object's own docstring; otherwise its class with all methods.
        self.__doc__ = f"\n{type(self).__doc__}"

    def __repr__(self) -> str:
        return _text_of("flow", self.options)

    @overload
    def __call__(self, fn: Callable[P, R], /, **options: Unpack[FlowOptions]) -> Flow[P, R]: ...
    @overload
    def __call__(self, /, **options: Unpack[FlowOptions]) -> FlowDecorator: ...
    def __call__(self, fn: Any = None, /, **options: Unpack[FlowOptions]) -> Any:
        """Decorate a function, or return a decorator with these options on top of its own."""
        merged = cast("FlowOptions", {**self.options, **options})
        if fn is None:
            return FlowDecorator(**merged)
        _check_function("flow", fn)
        return Flow(fn, merged)

    @staticmethod
    def from_source(source: Any, entrypoint: str) -> Any:
        """Return a flow from a folder, a repository or other storage, as Prefect does.

        Args:
            source: The location of the code: a path, a URL, or a storage block of Prefect.
            entrypoint: The flow: `folder/file.py:function`.
        """
        from prefect import Flow as RealFlow

        return RealFlow.from_source(source=source, entrypoint=entrypoint)


def _text_of(word: str, options: Mapping[str, Any]) -> str:
    inside = ", ".join(f"{name}={value!r}" for name, value in options.items())
    return f"{word}({inside})" if inside else f"prefectx.{word}"


def _check_function(word: str, fn: Any) -> None:
    if not (callable(fn) or is_static_or_class_method(fn)):
        msg = f"{word} takes a function, or options by name, not {fn!r}"
        raise TypeError(msg)


# Not Final: a user's module may have `task = task(…)` with other options.
task: TaskDecorator = TaskDecorator()
flow: FlowDecorator = FlowDecorator()
