"""The options of tasks and flows, and the error for an unknown one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Literal, TypedDict

from prefectx.errors import UnknownOption, nearest

if TYPE_CHECKING:
    import datetime
    from collections.abc import Callable, Iterable, Mapping
    from types import ModuleType

    from prefectx._settings.rerun_reasons import RerunOn
    from prefectx.stores.base import Store

    Hooks = list[Callable[..., Any]]
    Delays = float | list[float] | Callable[[int], list[float]] | None


OF_EACH_CALL: Final = ("return_state", "wait_for")
"""The keywords of every call of a task or flow, which its function never gets."""


def pop_call_keywords(kwargs: dict[str, Any]) -> dict[str, Any]:
    """Remove the keywords of every call from keyword arguments; return them."""
    return {name: kwargs.pop(name) for name in OF_EACH_CALL if name in kwargs}


def own_arguments(kwargs: Mapping[str, Any]) -> dict[str, Any]:
    """Return the keyword arguments of a call that its function gets."""
    return {name: value for name, value in kwargs.items() if name not in OF_EACH_CALL}


class OwnTaskOptions(TypedDict, total=False):
    """The options of a task that are prefectx's; `help(task)` says what each means."""

    target: str | None
    base: str | None
    store: Store | type[Store] | None
    save: bool
    name: str | None
    modules: Iterable[ModuleType]
    rerun_on: Iterable[RerunOn]
    expires: datetime.timedelta | None
    files: Iterable[str]
    once: bool
    isolate: bool
    resources: Mapping[str, float] | None
    priority: int | None
    workers: str | Iterable[str] | None


class PrefectTaskOptions(TypedDict, total=False):
    """The options of a task that are Prefect's, except its `name`."""

    description: str | None
    tags: Iterable[str] | None
    version: str | None
    cache_policy: Any
    cache_key_fn: Callable[..., str | None] | None
    cache_expiration: datetime.timedelta | None
    task_run_name: str | Callable[..., str] | None
    retries: int | None
    retry_delay_seconds: Delays
    retry_jitter_factor: float | None
    retry_condition_fn: Callable[..., Any] | None
    persist_result: bool | None
    result_storage: Any
    result_serializer: Any
    result_storage_key: str | None
    cache_result_in_memory: bool
    timeout_seconds: float | None
    log_prints: bool | None
    refresh_cache: bool | None
    on_completion: Hooks | None
    on_failure: Hooks | None
    on_running: Hooks | None
    on_rollback: Hooks | None
    on_commit: Hooks | None
    viz_return_value: Any
    asset_deps: list[Any] | None


class TaskOptions(OwnTaskOptions, PrefectTaskOptions, total=False):
    """Every option of a task; an option that is left out is inherited."""


class OwnFlowOptions(TypedDict, total=False):
    """The options of a flow that are prefectx's; `help(flow)` says what each means."""

    rerun_on: Iterable[RerunOn]


class PrefectFlowOptions(TypedDict, total=False):
    """The options of a flow that are Prefect's."""

    name: str | None
    description: str | None
    version: str | None
    flow_run_name: str | Callable[..., str] | None
    retries: int | None
    retry_delay_seconds: float | None
    task_runner: Any
    timeout_seconds: float | None
    validate_parameters: bool
    persist_result: bool | None
    result_storage: Any
    result_serializer: Any
    cache_result_in_memory: bool
    log_prints: bool | None
    on_completion: Hooks | None
    on_failure: Hooks | None
    on_cancellation: Hooks | None
    on_crashed: Hooks | None
    on_running: Hooks | None


class FlowOptions(OwnFlowOptions, PrefectFlowOptions, total=False):
    """Every option of a flow; an option that is left out is inherited."""


TaskHook = Literal["on_completion", "on_failure", "on_running", "on_commit", "on_rollback"]
FlowHook = Literal["on_completion", "on_failure", "on_running", "on_cancellation", "on_crashed"]

OWN_OPTIONS: Final = frozenset(OwnTaskOptions.__annotations__)
TASK_OPTIONS: Final = frozenset(TaskOptions.__annotations__)
FLOW_OPTIONS: Final = frozenset(FlowOptions.__annotations__)

#: The options that are attributes of Prefect's tasks and flows, which can be set.
TASK_ATTRIBUTES: Final = frozenset(PrefectTaskOptions.__annotations__)
FLOW_ATTRIBUTES: Final = frozenset(PrefectFlowOptions.__annotations__) - {"name"}


def check_options(names: Iterable[str], known: frozenset[str], decorator: str) -> None:
    """Raise `UnknownOption` for the first of `names` that is not `known`."""
    for name in names:
        if name in known:
            continue
        hint = nearest(name, sorted(known))
        msg = (
            f"{decorator} has no option {name!r}.{hint} The options are:"
            f" {', '.join(sorted(known))}."
        )
        raise UnknownOption(msg)


def run_name_template(options: Mapping[str, Any]) -> Any:
    """Return the template for the names of a task's runs; None if there is none."""
    name = options.get("name")
    if isinstance(name, str) and not ("{" in name or "}" in name):
        return None
    return name


def task_name(options: Mapping[str, Any]) -> Any:
    """Return the name of the task itself, if the options have one, else None."""
    return None if run_name_template(options) is not None else options.get("name")


def prefect_options(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options of a task that are Prefect's, with the task's name."""
    theirs = {name: value for name, value in options.items() if name not in OWN_OPTIONS}
    if (name := task_name(options)) is not None:
        theirs["name"] = name
    return theirs


def prefect_flow_options(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options of a flow that are Prefect's."""
    return {
        name: value for name, value in options.items() if name in PrefectFlowOptions.__annotations__
    }
