"""The options of tasks and flows: which there are, and what a misspelt one is told."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, TypedDict

from prefectx.errors import UnknownOption, nearest

if TYPE_CHECKING:
    import datetime
    from collections.abc import Callable, Iterable, Mapping
    from types import ModuleType

    from prefectx._settings.rerun import RerunOn
    from prefectx.stores.base import Store

    Hooks = list[Callable[..., Any]]
    Delays = float | list[float] | Callable[[int], list[float]] | None


class TaskOptions(TypedDict, total=False):
    """Every option of a task; an option left out is inherited."""

    #: Where the output is kept: an f-string body. `None`: the task is never cached.
    target: str | None
    #: What `{base}` stands for, unless `context` sets it: an f-string body.
    base: str | None
    #: Who keeps the output. `None`: the function writes its target itself.
    store: Store | type[Store] | None
    #: `False`: as `store=None`, but the store is asked whether the target is there.
    save: bool
    #: With `{…}` in it, the name of each task run, in Prefect and in the logs: an f-string body.
    #: Without, the task's own name, as in Prefect.
    name: str | None
    #: Modules that the templates may use, beside `os`, `datetime` and `Path`.
    modules: Iterable[ModuleType]
    #: What makes a target that exists be made anew: `"inputs"`, `"code"`, `"upstream"` (what lies
    #: at the targets of Items), `"expired"`.
    rerun_on: Iterable[RerunOn]
    #: How old a target may be before it counts as expired.
    expires: datetime.timedelta | None
    #: The arguments that name files, which count by their content: see `InFile`.
    files: Iterable[str]
    #: `True`: of all processes that miss a target at once, one makes it, the others wait for it.
    once: bool
    #: `True`: the function runs in a process of its own, in all modes but `function`.
    isolate: bool
    #: Dask resources that a run of the task takes up.
    resources: Mapping[str, float] | None
    #: Dask's priority: of what waits, the highest runs first. By default 0.
    priority: int | None
    #: The Dask workers that a run may use: their addresses, names or hosts.
    workers: str | Iterable[str] | None

    # Prefect's own, used in the Prefect modes and without effect in the others.
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


class FlowOptions(TypedDict, total=False):
    """Every option of a flow: Prefect's, used in the Prefect modes."""

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
    #: Ours: what makes targets that exist be made anew, for all tasks of the flow.
    rerun_on: Iterable[RerunOn]
    on_completion: Hooks | None
    on_failure: Hooks | None
    on_cancellation: Hooks | None
    on_crashed: Hooks | None
    on_running: Hooks | None


OWN_OPTIONS: Final = frozenset(
    {"target", "base", "store", "save", "name", "modules", "rerun_on", "once"}
    | {"expires", "files"}
    | {"isolate", "resources", "priority", "workers"},
)
TASK_OPTIONS: Final = frozenset(TaskOptions.__annotations__)
FLOW_OPTIONS: Final = frozenset(FlowOptions.__annotations__)
#: Prefect's options, which its tasks and flows have as attributes that can be set.
TASK_ATTRIBUTES: Final = TASK_OPTIONS - OWN_OPTIONS
FLOW_ATTRIBUTES: Final = FLOW_OPTIONS - {"name", "rerun_on"}


def check_options(given: Iterable[str], known: frozenset[str], decorator: str) -> None:
    """Raise `UnknownOption` for the first name in `given` that is not `known`."""
    for name in given:
        if name in known:
            continue
        hint = nearest(name, sorted(known))
        msg = (
            f"{decorator} has no option {name!r}.{hint} The options are:"
            f" {', '.join(sorted(known))}."
        )
        raise UnknownOption(msg)


def run_name_template(options: Mapping[str, Any]) -> Any:
    """Return the template for the names of a task's runs, or None if there is none."""
    name = options.get("name")
    if isinstance(name, str) and not ("{" in name or "}" in name):
        return None
    return name


def task_name(options: Mapping[str, Any]) -> Any:
    """Return the name that the options give the task itself, or None if they give it none."""
    return None if run_name_template(options) is not None else options.get("name")


def prefect_options(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return those of a task's options that are Prefect's."""
    theirs = {name: value for name, value in options.items() if name not in OWN_OPTIONS}
    if (name := task_name(options)) is not None:
        theirs["name"] = name
    return theirs


def prefect_flow_options(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return those of a flow's options that are Prefect's."""
    return {name: value for name, value in options.items() if name != "rerun_on"}
