"""Frozen calls: a small test package, written from a run and independent of it."""

from __future__ import annotations

import ast
import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from prefectx import Item, load, use_mode
from prefectx._runners import use_runner
from prefectx._runners.cache import CacheRunner
from prefectx.errors import PrefectxError
from prefectx.stores import Filestore, formats
from pytest_prefectx.agree.formatting import short_text
from pytest_prefectx.agree.programs import wait_for_result
from pytest_prefectx.equality import difference
from pytest_prefectx.replay.recorded import bind_arguments, import_task

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from prefectx._naming.decorated import AnyTask
    from prefectx._runners.base import Args, Kwargs

_LIST: Final = "calls.json"
_TEST: Final = "test_frozen.py"
_DATA: Final = "data"
_LONGEST_LITERAL: Final = 200
_SUFFIXES: Final = {"DataFrame": ".parquet", "Series": ".parquet", "ndarray": ".npy"}

_CODE: Final = '''"""Calls of {name}, frozen: `prefectx freeze --update` writes it again."""

import pytest

from pytest_prefectx.replay import FrozenCall, frozen_calls


@pytest.mark.prefectx
@pytest.mark.usefixtures("tmp_target")
@pytest.mark.parametrize("call", frozen_calls(__file__), ids=str)
def test_call_gives_what_it_gave(call: FrozenCall) -> None:
    call.check()
'''


class FrozenCall:
    """A call with its inputs and its output, in files.

    Args:
        folder: The folder of the files.
        task: The task's qualified name.
        arguments: The arguments by name: literals, or the names of files.
        output: The name of the file with the output.
    """

    def __init__(
        self, folder: Path, task: str, arguments: Mapping[str, Mapping[str, str]], output: str
    ) -> None:
        self.task: Final = task
        self._store: Final = Filestore(str(folder / _DATA))
        self._arguments: Final = arguments
        self._output: Final = output

    def __str__(self) -> str:
        return Path(self._output).stem

    @property
    def arguments(self) -> dict[str, Any]:
        """The arguments by name."""
        return {
            name: ast.literal_eval(kept["literal"])
            if "literal" in kept
            else self._store.load(kept["file"])
            for name, kept in self._arguments.items()
        }

    @property
    def file(self) -> Path:
        """The file with the stored output, with its full path."""
        return Path(self._store.path(self._output))

    @property
    def output(self) -> Any:
        """The stored output."""
        return self._store.load(self._output)

    def run(self) -> Any:
        """Make the call in the current mode; return its result."""
        task = import_task(self.task)
        bound = bind_arguments(task.fn, self.arguments)
        return load(wait_for_result(task(*bound.args, **bound.kwargs)))

    def check(self) -> None:
        """Make the call in the current mode; compare its result with the stored output.

        Raises:
            AssertionError: They differ.
        """
        __tracebackhide__ = True
        found = difference(self.output, self.run())
        if found is not None:
            at = f" at result{found.path}" if found.path else ""
            msg = (
                f"{self.task} returns another result than the frozen one{at}: {found.why}\n"
                f"  frozen: {short_text(found.left)}\n  now:    {short_text(found.right)}\n"
                "If that is intended, update it with `prefectx freeze --update`."
            )
            raise AssertionError(msg)


def frozen_calls(test_file: str) -> list[FrozenCall]:
    """Return the frozen calls beside a test file."""
    folder = Path(test_file).absolute().parent
    listed = json.loads((folder / _LIST).read_text(encoding="utf-8"))
    return [FrozenCall(folder, **call) for call in listed]


def freeze(
    flow: Callable[..., Any],
    parameters: Mapping[str, Any],
    into: str | Path,
    *,
    per_task: int = 1,
    update: bool = False,
) -> list[FrozenCall]:
    """Run a flow in mode `cache`, and write tests of its smallest calls.

    What exists is not recomputed. The folder then has the calls, their inputs and outputs, and a
    test file that runs them in every enabled mode.

    Args:
        flow: The flow.
        parameters: Its parameters by name.
        into: The folder to write.
        per_task: The number of calls of each task, those with the smallest outputs.
        update: Whether to replace a folder of frozen calls.

    Raises:
        FileExistsError: The folder exists, and `update` is False.
        PrefectxError: The flow calls no task whose output can be frozen.
    """
    folder = Path(into)
    if folder.exists() and not (update and _is_frozen(folder)):
        msg = f"{str(folder)!r} exists. Replace it with --update if `prefectx freeze` wrote it."
        raise FileExistsError(msg)
    recorder = _CallRecorder()
    with use_mode("cache"), use_runner(recorder):
        wait_for_result(flow(**parameters))
    chosen = recorder.smallest(per_task)
    if not chosen:
        msg = f"{getattr(flow, 'name', flow)} calls no task that can be imported and has a target."
        raise PrefectxError(msg)
    if folder.exists():
        shutil.rmtree(folder)
    (folder / _DATA).mkdir(parents=True)
    store = Filestore(str(folder / _DATA))
    listed = [
        _write(store, f"{task.name}-{number}", task, arguments, item)
        for number, (task, arguments, item) in enumerate(chosen, 1)
    ]
    text = json.dumps(listed, indent=1)
    (folder / _LIST).write_text(f"{text}\n", encoding="utf-8")
    name = getattr(flow, "name", None) or getattr(flow, "__name__", "a flow")
    (folder / _TEST).write_text(_CODE.format(name=name), encoding="utf-8")
    return frozen_calls(str(folder / _TEST))


class _CallRecorder(CacheRunner):
    """Runs tasks as in mode `cache`, and notes the calls whose outputs can be frozen."""

    def __init__(self) -> None:
        self.calls: list[tuple[AnyTask, dict[str, Any], Item[Any]]] = []

    def run(self, task: AnyTask, args: Args, kwargs: Kwargs) -> Any:
        arguments = task.naming.bind(*args, **kwargs)
        result = super().run(task, args, kwargs)
        item = task.naming.item(args, kwargs)
        importable = not task.qualified_name.startswith("__main__.")
        by_itself = item is not None and not item.store.is_written_by_function
        if item is not None and by_itself and importable and "<locals>" not in task.qualified_name:
            self.calls.append((task, arguments, item))
        return result

    def smallest(self, per_task: int) -> list[tuple[AnyTask, dict[str, Any], Item[Any]]]:
        groups: dict[str, list[tuple[int, str, int]]] = {}
        for place, (task, _, item) in enumerate(self.calls):
            size = len(item.store.content(item.target)) if item.exists() else 0
            groups.setdefault(task.qualified_name, []).append((size, item.target, place))
        return [
            self.calls[place]
            for group in groups.values()
            for _, _, place in sorted(set(group))[:per_task]
        ]


def _write(
    store: Filestore, name: str, task: AnyTask, arguments: dict[str, Any], item: Item[Any]
) -> dict[str, Any]:
    output = f"{name}{formats.suffix_of(item.target) or '.pkl'}"
    store.save(output, item.load())
    kept = {key: _store_argument(store, f"{name}-{key}", value) for key, value in arguments.items()}
    return {"task": task.qualified_name, "arguments": kept, "output": output}


def _store_argument(store: Filestore, name: str, value: Any) -> dict[str, str]:
    value = load(value)
    text = repr(value)
    try:
        if len(text) <= _LONGEST_LITERAL and difference(ast.literal_eval(text), value) is None:
            return {"literal": text}
    except (ValueError, SyntaxError):
        pass
    for suffix in (_SUFFIXES.get(type(value).__name__, ".pkl"), ".pkl"):
        try:
            store.save(f"{name}{suffix}", value)
        except PrefectxError:
            continue
        return {"file": f"{name}{suffix}"}
    msg = f"the argument {name!r} cannot be stored: {short_text(value)}"
    raise PrefectxError(msg)


def _is_frozen(folder: Path) -> bool:
    return (folder / _LIST).exists() and (folder / _TEST).exists()
