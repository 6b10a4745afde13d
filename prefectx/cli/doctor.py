"""`prefectx doctor`: checks for possible problems, with advice, and the current settings."""

from __future__ import annotations

import os
import shlex
import stat
import sys
import time
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Final, NamedTuple

from prefectx._settings.project import current_settings
from prefectx.cli.output import say, say_json, say_table
from prefectx.dask.tested_versions import TESTED

if TYPE_CHECKING:
    from argparse import Namespace
    from collections.abc import Iterator

_BATCH: Final = "PREFECT_SERVER_SERVICES_TASK_RUN_RECORDER_BATCH_SIZE"
_START: Final = (
    f"{_BATCH}=100 PREFECT_SERVER_SERVICES_TASK_RUN_RECORDER_FLUSH_INTERVAL=1 prefect server start"
)
_TOO_NEW_FASTAPI: Final = (0, 155)
_SECONDS: Final = 3.0


class Finding(NamedTuple):
    """The result of one check.

    Attributes:
        what: The name of the check.
        ok: Whether all is well.
        text: The result in words.
        cure: The advice.
    """

    what: str
    ok: bool
    text: str
    cure: str = ""


def doctor(options: Namespace) -> int:
    """Run all checks; print the results and the current settings with their sources."""
    findings = [*_prefect(), *_server(), *_folder(options.root), *_versions()]
    settings = current_settings(os.getcwd())
    if options.json:
        say_json(
            {
                "findings": [finding._asdict() for finding in findings],
                "settings": [setting._asdict() for setting in settings],
            }
        )
    else:
        for finding in findings:
            say(f"{'ok  ' if finding.ok else 'BAD '} {finding.what}: {finding.text}")
            if finding.cure and not finding.ok:
                say(f"     cure: {finding.cure}")
        say()
        rows = [[each.name, each.value, each.source] for each in settings]
        say_table(["setting", "value", "from"], rows)
    return 0 if all(finding.ok for finding in findings) else 1


def _numbers(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in text.split(".")[:3] if part.isdigit())


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _prefect() -> Iterator[Finding]:
    found = _version("prefect")
    if found is None:
        yield Finding("Prefect", ok=True, text="not installed; function and cache need none")
        return
    yield Finding("Prefect", ok=True, text=found)
    fastapi = _version("fastapi")
    if fastapi is not None:
        is_good = _numbers(fastapi) < _TOO_NEW_FASTAPI
        cure = 'Prefect\'s server does not import with later ones: pip install "fastapi<0.155"'
        yield Finding("FastAPI", is_good, fastapi, cure)


def _server() -> Iterator[Finding]:
    if _version("prefect") is None:
        return
    url = os.environ.get("PREFECT_API_URL")
    if url is None:
        text = "PREFECT_API_URL is not set: each process starts a temporary server"
        cure = "set PREFECT_API_URL to the server that this starts: prefect server start"
        yield Finding("server", ok=True, text=text, cure=cure)
    else:
        yield _answer(url)
        yield from _lost_runs(url)
    if "PREFECT_SERVER_DATABASE_CONNECTION_URL" not in os.environ:
        batch = os.environ.get(_BATCH)
        text = f"a batch of {batch}" if batch else "SQLite with default settings loses task runs"
        cure = f"use PostgreSQL, or start the server with: {_START}"
        yield Finding("task run recorder", batch is not None or url is None, text, cure)


def _lost_runs(url: str) -> Iterator[Finding]:
    """Look for task runs that have not ended although their flow runs have."""
    import json
    import urllib.request

    body = {
        "flow_runs": {"state": {"type": {"any_": list(_ENDED)}}},
        "task_runs": {"state": {"type": {"any_": list(_NOT_ENDED)}}},
    }
    request = urllib.request.Request(  # noqa: S310 - the user's own address
        f"{url.rstrip('/')}/task_runs/count",
        data=json.dumps(body).encode(),
        headers={"Content-Type": "application/json", **_authorization()},
    )
    try:
        with urllib.request.urlopen(request, timeout=_SECONDS) as answer:  # noqa: S310
            number = int(answer.read())
    except (OSError, ValueError):
        # Another check reports what is wrong with the server.
        return
    text = f"{number:,} that have not ended in flow runs that have" if number else "none is lost"
    cure = (
        "their last events were lost; the outputs are as whole as they were, only the server's"
        f" records are not. Use PostgreSQL, or start the server with: {_START}"
    )
    yield Finding("task runs", number == 0, text, cure)


_ENDED: Final = ("COMPLETED", "FAILED", "CRASHED", "CANCELLED")
_NOT_ENDED: Final = ("PENDING", "RUNNING")


def _authorization() -> dict[str, str]:
    key = os.environ.get("PREFECT_API_KEY")
    return {} if key is None else {"Authorization": f"Bearer {key}"}


def _answer(url: str) -> Finding:
    import urllib.error
    import urllib.request

    try:
        with urllib.request.urlopen(f"{url.rstrip('/')}/health", timeout=_SECONDS) as answer:  # noqa: S310 - the user's own address
            return Finding("server", answer.status < 400, f"{url} answers")  # noqa: PLR2004
    except urllib.error.HTTPError as error:
        return Finding("server", ok=True, text=f"{url} answers ({error.code})")
    except (OSError, ValueError) as error:
        cure = "set PREFECT_API_URL to a server that runs, or start one: prefect server start"
        return Finding("server", ok=False, text=f"{url} does not answer ({error})", cure=cure)


def _folder(root: str) -> Iterator[Finding]:
    if not os.path.isdir(root):
        cure = "create it, or name another one: --root, or root in [tool.prefectx]"
        yield Finding("folder", ok=False, text=f"{os.path.abspath(root)} does not exist", cure=cure)
        return
    found = os.stat(root)
    others = found.st_mode & (stat.S_IWGRP | stat.S_IWOTH) and not found.st_mode & stat.S_ISVTX
    text = f"{os.path.abspath(root)} {stat.filemode(found.st_mode)}"
    command = shlex.join(["chmod", "go-w", os.path.abspath(root)])
    cure = f"others can write pickles there, which run code: {command}"
    yield Finding("folder", not others, text, cure)
    if not os.access(root, os.W_OK):
        cure = "make the folder writable, or set root in [tool.prefectx]"
        yield Finding("folder", ok=False, text="it is not writable", cure=cure)
        return
    yield _clock(root)
    attributes = _has_attributes(root)
    text = "extended attributes" if attributes else "no extended attributes: one file per record"
    yield Finding("records", ok=True, text=text)


def _clock(root: str) -> Finding:
    path = os.path.join(root, f".prefectx-clock-{os.getpid()}")
    try:
        with open(path, "w", encoding="utf-8"):
            pass
        off = os.stat(path).st_mtime - time.time()
    finally:
        os.unlink(path)
    text = f"the file system's clock is {abs(off):.1f} s {'ahead' if off > 0 else 'behind'}"
    cure = "synchronise the clocks by NTP: locks with a heartbeat compare times"
    return Finding("clock", abs(off) < _SECONDS, text, cure)


def _has_attributes(root: str) -> bool:
    path = os.path.join(root, f".prefectx-attributes-{os.getpid()}")
    try:
        with open(path, "w", encoding="utf-8") as file:
            os.setxattr(file.fileno(), "user.prefectx.test", b"1")
    except (OSError, AttributeError):
        return False
    finally:
        os.unlink(path)
    return True


def _versions() -> Iterator[Finding]:
    python = f"{sys.version_info.major}.{sys.version_info.minor}"
    is_tested = python in {"3.11", "3.12", "3.13"}
    yield Finding("Python", is_tested, python, "Python 3.11 to 3.13 are tested")
    for package, (first, beyond) in TESTED.items():
        found = _version(package)
        if found is not None:
            least, below = (".".join(map(str, bound)) for bound in (first, beyond))
            cure = f'others are tested: pip install "{package}>={least},<{below}"'
            yield Finding(package, first <= _numbers(found) < beyond, found, cure)
