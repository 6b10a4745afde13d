"""The options of the Dask task runner."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, TypedDict

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

Check = Literal["auto", "client", "worker", "both"]


class RunnerOptions(TypedDict, total=False):
    """The options of `DaskRunner`, as `task_runner` documents them."""

    address: str | None
    cluster_class: str | Callable[..., Any] | None
    cluster_kwargs: Mapping[str, Any] | None
    adapt_kwargs: Mapping[str, Any] | None
    client_kwargs: Mapping[str, Any] | None
    performance_report_path: str | None
    keepalive: str | float | None
    check: Check
