"""A search for pairs of calls that share a target of the flow."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

from prefectx._runners.function import FunctionRunner
from prefectx.errors import PrefectxError
from pytest_prefectx.agree.programs import Arguments, Program, fresh_folder, snapshot
from pytest_prefectx.equality import identical
from pytest_prefectx.search.calls import Twin
from pytest_prefectx.search.mutations import mutations

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from prefectx._naming.decorated import AnyTask
    from prefectx._runners.base import Args, Kwargs

MOST_TRIED: Final = 30
"""The maximal number of variants of one call."""


class _OutputRecorder(FunctionRunner):
    """Runs tasks as in mode `function`, and notes the output of each target."""

    def __init__(self) -> None:
        self.outputs: dict[str, Any] = {}

    def run(self, task: AnyTask, args: Args, kwargs: Kwargs) -> Any:
        item = None
        with suppress(PrefectxError):
            item = task.naming.item(args, kwargs)
        result = super().run(task, args, kwargs)
        if item is not None:
            self.outputs.setdefault(item.path, snapshot(result))
        return result


def shared_target(
    subject: Callable[..., Any],
    calls: Sequence[Arguments],
    accepts: Callable[[Arguments], bool],
) -> list[Arguments] | None:
    """Return two calls that share a target but differ in its content; None if none is found.

    Args:
        subject: The flow, task or function.
        calls: Calls from its strategies, whose arguments are combined and changed.
        accepts: Tells whether the strategies could draw a changed call.
    """
    seen: dict[str, tuple[Arguments, Any]] = {}
    for call in calls:
        for tried in (call, *_variants(call, calls, accepts)):
            for path, output in _outputs(subject, tried).items():
                other, its_output = seen.setdefault(path, (tried, output))
                if not identical(output, its_output):
                    return [other, tried]
    return None


def _variants(
    call: Arguments, calls: Sequence[Arguments], accepts: Callable[[Arguments], bool]
) -> list[Arguments]:
    """Return variants of a call, with one argument of another call or with a small change."""
    changed: list[Arguments] = []
    for name, value in _arguments(call):
        others = [other for call in calls for key, other in _arguments(call) if key == name]
        # An argument of another call is always valid.
        changed += [_with(call, name, other) for other in others if not identical(other, value)]
        small = [_with(call, name, mutated) for mutated in mutations(value)]
        changed += [each for each in small if accepts(each)]
    return changed[:MOST_TRIED]


def _arguments(call: Arguments) -> list[tuple[int | str, Any]]:
    return [*enumerate(call.args), *call.kwargs.items()]


def _with(call: Arguments, name: int | str, value: Any) -> Arguments:
    if isinstance(name, str):
        return Twin(call.args, {**call.kwargs, name: value})
    return Twin((*call.args[:name], value, *call.args[name + 1 :]), call.kwargs)


def _outputs(subject: Callable[..., Any], call: Arguments) -> dict[str, Any]:
    runner = _OutputRecorder()
    with fresh_folder() as folder:
        Program(subject, [call]).run_by(runner)
        prefix = str(folder.path)
    return {path.removeprefix(prefix): output for path, output in runner.outputs.items()}
