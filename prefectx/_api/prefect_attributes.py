"""The attributes that tasks and flows have in the Prefect modes only, with their types.

Annotations alone, one by one, so that type checkers find a misspelt name. At run time
`DecoratedFunction.__getattr__` gives what Prefect's object has.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import datetime
    from collections.abc import Callable

    Hooks = list[Callable[..., Any]]


class PrefectAttributes:
    """Attributes of both `prefect.Task` and `prefect.Flow`."""

    __slots__ = ()

    description: str | None
    version: str | None
    isasync: bool
    isgenerator: bool
    ismethod: bool
    isclassmethod: bool
    isstaticmethod: bool
    retries: int
    timeout_seconds: float | None
    log_prints: bool | None
    persist_result: bool | None
    result_storage: Any
    result_serializer: Any
    cache_result_in_memory: bool
    on_completion_hooks: Hooks
    on_failure_hooks: Hooks
    on_running_hooks: Hooks


class PrefectTaskAttributes(PrefectAttributes):
    """Attributes of `prefect.Task`."""

    __slots__ = ()

    task_run_name: str | Callable[..., str] | None
    task_key: str
    source_code: str | None
    tags: set[str]
    cache_policy: Any
    cache_key_fn: Callable[..., str | None] | None
    cache_expiration: datetime.timedelta | None
    retry_delay_seconds: float | list[float] | None
    retry_jitter_factor: float | None
    retry_condition_fn: Callable[..., Any] | None
    result_storage_key: str | None
    refresh_cache: bool | None
    viz_return_value: Any
    asset_deps: list[Any]
    on_commit_hooks: Hooks
    on_rollback_hooks: Hooks
    apply_async: Callable[..., Any]
    delay: Callable[..., Any]
    serve: Callable[..., Any]
    aserve: Callable[..., Any]
    create_run: Callable[..., Any]
    create_local_run: Callable[..., Any]


class PrefectFlowAttributes(PrefectAttributes):
    """Attributes of `prefect.Flow`."""

    __slots__ = ()

    flow_run_name: str | Callable[..., str] | None
    retry_delay_seconds: float
    task_runner: Any
    parameters: Any
    should_validate_parameters: bool
    on_cancellation_hooks: Hooks
    on_crashed_hooks: Hooks
    serve: Callable[..., None]
    deploy: Callable[..., Any]
    adeploy: Callable[..., Any]
    from_source: Callable[..., Any]
    afrom_source: Callable[..., Any]
    to_deployment: Callable[..., Any]
    ato_deployment: Callable[..., Any]
    visualize: Callable[..., Any]
    avisualize: Callable[..., Any]
    generate_mermaid_graph: Callable[..., Any]
    agenerate_mermaid_graph: Callable[..., Any]
    serialize_parameters: Callable[..., dict[str, Any]]
    validate_parameters: Callable[..., dict[str, Any]]
