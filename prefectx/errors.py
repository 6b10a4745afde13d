"""What can go wrong, as exceptions: each says what happened, to what, and what to do next."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


def nearest(name: str, names: Iterable[str]) -> str:
    """Return a sentence that suggests the one of `names` that is meant, or nothing.

    Example:
        >>> nearest("prefect.skipp", ["cache", "prefect.skip"])
        " Did you mean 'prefect.skip'?"
    """
    import difflib

    found = difflib.get_close_matches(name, list(names), n=1, cutoff=0.4)
    return f" Did you mean {found[0]!r}?" if found else ""


class PrefectxError(Exception):
    """Base of all errors raised by prefectx."""


class UnknownMode(PrefectxError, ValueError):
    """The mode's name is not one of `MODES`."""


class UnknownOption(PrefectxError, TypeError):
    """An option given to `task` or `flow` is neither prefectx's nor Prefect's."""


class UnknownLevel(PrefectxError, ValueError):
    """A level of log is none of those that `logging` knows."""


class TemplateError(PrefectxError, ValueError):
    """A target or name template does not compile, or names what is not there."""


class UnsafeTarget(PrefectxError, ValueError):
    """A rendered target would leave its folder or cannot be a file's name."""


class TargetCollision(PrefectxError, RuntimeError):
    """Two different calls would fill the same target."""


class TargetMissing(PrefectxError, FileNotFoundError):
    """A target that should be there is not."""


class TargetReplaced(PrefectxError, RuntimeError):
    """Another call, or other code, has made a target anew since an Item of it was given."""


class FileInTheWay(PrefectxError, NotADirectoryError):
    """A target is a file where another target needs a folder, as `a` and `a/b`."""


class FolderInTheWay(PrefectxError, IsADirectoryError):
    """A folder of other targets lies where a target would have to be, as `a/b` and `a`."""


class CorruptTarget(PrefectxError, RuntimeError):
    """A target is there but cannot be read."""


class UntrustedTarget(PrefectxError, PermissionError):
    """A target is there and was not read, for reading it would run code that others may have put.

    See SECURITY.md for what is trusted, and `Filestore(trust="any")`.
    """


class UnsupportedValue(PrefectxError, TypeError):
    """A value cannot be kept, or cannot be told apart from others, without loss."""


class NotLoaded(PrefectxError, TypeError, AttributeError):
    """An Item was used as if it were the data that it stands for: use `load`.

    It is an AttributeError too, so that `hasattr` and `getattr` with a default can ask an Item.
    """


class MappingError(PrefectxError, ValueError):
    """The arguments of `.map` cannot be spread over calls."""


class ServerUnreachable(PrefectxError, ConnectionError):
    """A Prefect mode was asked for and no Prefect API answers."""


class StoreUnreachable(PrefectxError, ConnectionError):
    """A store is away, or refuses its credentials."""


class InvalidDuration(PrefectxError, ValueError):
    """A span of time cannot be read."""


class IsolatedRunDied(PrefectxError, RuntimeError):
    """The process of a task with `isolate=True` was killed, crashed or exited."""


class MissingExtra(PrefectxError, ImportError):
    """Something was asked for that needs a package that is not installed."""


class NoSuchResource(PrefectxError, ValueError):
    """A task asks for a Dask resource that no worker offers, so it would wait for ever."""


class ClusterUnreachable(PrefectxError, ConnectionError):
    """No Dask scheduler answers."""


class TaskCrashed(PrefectxError, RuntimeError):
    """A task run did not end: its worker, or the cluster, died under it."""


class LargePayload(UserWarning):
    """Much data travels with a task's call, which fills the memory of Dask's scheduler."""


class StaleTarget(UserWarning):
    """A target was trusted although it was made by other code or from other inputs."""
