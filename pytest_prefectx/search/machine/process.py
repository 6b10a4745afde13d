"""A call in a new process, on the existing targets, and the main function of that process."""

from __future__ import annotations

import importlib
import inspect
import os
import pickle
import subprocess
import sys
from functools import reduce
from importlib.util import module_from_spec, spec_from_file_location
from types import ModuleType
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from pytest_prefectx.agree.programs import Arguments, Outcome, Program

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

TIMEOUT: Final = 120.0


class Location(NamedTuple):
    """The module, file and name by which a new process finds the subject."""

    module: str
    file: str
    name: str


def is_importable(subject: Any) -> bool:
    """Tell whether a new process can import the subject, from its module or its file."""
    where = _where(subject)
    # Objects of the main script have other names in another process.
    return where is not None and where.module != "__main__"


def run_in_new_process(program: Program, folder: Path) -> Outcome | None:
    """Make the program's call in mode `cache`, in a new process; None if it cannot be pickled."""
    try:
        call = pickle.dumps(program.calls[0])
    except Exception:  # noqa: BLE001 - any class may refuse in any way
        return None
    ended = subprocess.run(  # noqa: S603 - this very module
        # Not -m, which would put the folder with the targets first in sys.path.
        [sys.executable, "-P", "-c", f"from {__name__} import main; main()"],
        input=pickle.dumps((_where(program.subject), sys.path, call)),
        cwd=folder,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        timeout=TIMEOUT,
        check=False,
    )
    if ended.returncode:
        msg = f"the new process failed in the call:\n{ended.stderr.decode(errors='replace')}"
        raise AssertionError(msg)
    outcome: Outcome | None = pickle.loads(ended.stdout)
    return outcome


def pickle_round_trip(outcome: Outcome) -> Outcome | None:
    """Return the outcome after pickling and unpickling; None if it cannot be pickled."""
    try:
        returned: Outcome = pickle.loads(pickle.dumps(outcome))
    except Exception:  # noqa: BLE001 - any class may refuse in any way
        return None
    return returned


def main() -> None:
    """Read the call from standard input, make it, write the outcome to standard output."""
    where, path, call = pickle.load(sys.stdin.buffer)
    # The flow's own prints go to standard error.
    with os.fdopen(os.dup(1), "wb") as answer:
        os.dup2(2, 1)
        sys.path[:] = path
        answer.write(_answer(where, call))


def _answer(where: Location, call: bytes) -> bytes:
    subject = _import_subject(where)
    if subject is None:
        return pickle.dumps(None)
    arguments: Arguments = pickle.loads(call)
    outcome = Program(subject, [arguments]).run("cache")[0]
    try:
        return pickle.dumps(outcome)
    except Exception:  # noqa: BLE001 - any class may refuse in any way
        return pickle.dumps(None)


def _where(subject: Any) -> Location | None:
    function = inspect.unwrap(getattr(subject, "fn", subject))
    code, name = getattr(function, "__code__", None), getattr(subject, "__qualname__", None)
    if code is None or not isinstance(name, str):
        return None
    module: str = subject.__module__
    found = _attribute(sys.modules.get(module), name.split("."))
    return Location(module, code.co_filename, name) if found is subject else None


def _import_subject(where: Location) -> Any:
    """Return the subject from its module, or from its file under the name of its module."""
    try:
        module = importlib.import_module(where.module)
    except ImportError:
        module = None
    if module is None or not _is_same_file(module, where.file):
        module = _from_file(where)
    return _attribute(module, where.name.split("."))


def _from_file(where: Location) -> ModuleType | None:
    spec = spec_from_file_location(where.module, where.file)
    if spec is None or spec.loader is None or not os.path.exists(where.file):
        return None
    module = module_from_spec(spec)
    # Pickle imports the parent packages of a module too.
    parts = where.module.split(".")
    for length in range(1, len(parts)):
        package = ".".join(parts[:length])
        sys.modules.setdefault(package, ModuleType(package))
    sys.modules[where.module] = module
    spec.loader.exec_module(module)
    return module


def _is_same_file(module: ModuleType, file: str) -> bool:
    own = getattr(module, "__file__", None)
    return own is not None and os.path.realpath(own) == os.path.realpath(file)


def _attribute(module: Any, names: Sequence[str]) -> Any:
    return reduce(lambda found, name: getattr(found, name, None), names, module)
