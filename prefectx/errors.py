"""Exceptions and warnings: each says what happened, to which target, and what to do next."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


def nearest(name: str, names: Iterable[str]) -> str:
    """Return a sentence that suggests the most similar of `names`; "" if none is similar.

    Example:
        >>> nearest("prefect.skipp", ["cache", "prefect.skip"])
        " Did you mean 'prefect.skip'?"
    """
    import difflib

    found = difflib.get_close_matches(name, list(names), n=1, cutoff=0.4)
    return f" Did you mean {found[0]!r}?" if found else ""


class PrefectxError(Exception):
    """Base class of all errors raised by prefectx."""


class UnknownMode(PrefectxError, ValueError):
    """The mode's name is not one of `MODES`."""


class UnknownOption(PrefectxError, TypeError):
    """An option is unknown, or has an invalid value."""


class UnknownLevel(PrefectxError, ValueError):
    """A log level is unknown to `logging`."""


class TemplateError(PrefectxError, ValueError):
    """A template does not compile, or uses an unknown name."""


class UnsafeTarget(PrefectxError, ValueError):
    """A rendered target would leave its folder or is not a valid file name."""


class TargetCollision(PrefectxError, RuntimeError):
    """Two different calls share a target."""


class TargetMissing(PrefectxError, FileNotFoundError):
    """A target does not exist."""


class TargetReplaced(PrefectxError, RuntimeError):
    """A target was recomputed by another call or other code after an Item of it was returned."""


class FileInTheWay(PrefectxError, NotADirectoryError):
    """A target is a file where another target needs a folder, as `a` and `a/b`."""


class FolderInTheWay(PrefectxError, IsADirectoryError):
    """A target is a folder of other targets, as `a` with `a/b`."""


class CorruptTarget(PrefectxError, RuntimeError):
    """A target exists but cannot be read."""


class UntrustedTarget(PrefectxError, PermissionError):
    """A target was not read, because that would run code that others may have written.

    See SECURITY.md for the rules, and `Filestore(trust="any")`.
    """


class UnsupportedValue(PrefectxError, TypeError):
    """A value cannot be stored without loss, or cannot be compared with others."""


class NotLoaded(PrefectxError, TypeError, AttributeError):
    """An Item was used as data: use `load`.

    It is an AttributeError too, so that `hasattr`, and `getattr` with a default, work on an Item.
    """


class MappingError(PrefectxError, ValueError):
    """The arguments of `.map` cannot be spread over calls."""


class ServerUnreachable(PrefectxError, ConnectionError):
    """A Prefect mode is used and no Prefect API answers."""


class StoreUnreachable(PrefectxError, ConnectionError):
    """A store does not answer, or refuses the credentials."""


class InvalidDuration(PrefectxError, ValueError):
    """A duration is not valid."""


class IsolatedRunDied(PrefectxError, RuntimeError):
    """The process of a task with `isolate=True` was killed, crashed or exited."""


class MissingExtra(PrefectxError, ImportError):
    """A package is needed that is not installed."""


class NoSuchResource(PrefectxError, ValueError):
    """A task needs a Dask resource that no worker has, so it would wait for ever."""


class ClusterUnreachable(PrefectxError, ConnectionError):
    """No Dask scheduler answers."""


class NestedTooDeeply(PrefectxError, RecursionError):
    """Flows or tasks call one another so deeply that Python's stack is full."""


class TaskCrashed(PrefectxError, RuntimeError):
    """A task run did not complete, because its worker or the cluster died."""


class LargePayload(UserWarning):
    """A task's call sends much data, which fills the memory of Dask's scheduler."""


class StaleTarget(UserWarning):
    """A target is used although it was made by other code or from other inputs."""
