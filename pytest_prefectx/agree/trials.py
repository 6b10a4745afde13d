"""The order in which a program is tried in each mode, and what is done to its targets between."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from prefectx import use_mode
from prefectx._runners import use_runner
from pytest_prefectx.agree.outside_targets import Placing
from pytest_prefectx.modes import WITHOUT_TARGETS, is_prefect
from pytest_prefectx.session import environment

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pytest_prefectx.agree.programs import Folder, Outcome, Program

MOST_LOST_ALONE: Final = 8


class Trial(NamedTuple):
    """A mode, and what was done before the program ran in it."""

    mode: str
    history: str = ""

    def __str__(self) -> str:
        return f"{self.mode}, {self.history}" if self.history else self.mode


def trials(
    program: Program, modes: Sequence[str], folder: Folder
) -> Iterator[tuple[Trial, list[Outcome]]]:
    """Run the program in the first mode, then in each of the others in several ways."""
    yield Trial(modes[0]), _first(program, modes[0], folder)
    for mode in modes[1:]:
        folder.empty()
        if mode in WITHOUT_TARGETS:
            yield Trial(mode), _run(program, mode)
        else:
            yield from _with_targets(program, mode, folder)
    keeping = [mode for mode in modes if mode not in WITHOUT_TARGETS]
    if len(keeping) > 1:
        yield from _crossing(program, keeping, folder)


def _run(program: Program, mode: str) -> list[Outcome]:
    # The variable too: threads that the flow starts itself do not inherit the context.
    with environment({"PREFECTX": mode}):
        return program.run(mode)


def _first(program: Program, mode: str, folder: Folder) -> list[Outcome]:
    if mode != "function":
        return _run(program, mode)
    placing = Placing(folder.path)
    with use_mode(mode), use_runner(placing):
        outcomes = _run(program, mode)
    placing.warn()
    return outcomes


def _with_targets(
    program: Program, mode: str, folder: Folder
) -> Iterator[tuple[Trial, list[Outcome]]]:
    yield Trial(mode, "with no targets"), _run(program, mode)
    yield Trial(mode, "with its targets there"), _run(program, mode)
    for names in _losses(folder.targets(), mode):
        folder.lose(names)
        yield Trial(mode, f"after {some(names)} was deleted"), _run(program, mode)


def _crossing(
    program: Program, modes: Sequence[str], folder: Folder
) -> Iterator[tuple[Trial, list[Outcome]]]:
    """Let each mode take over the targets of the one before; some are lost on the way."""
    folder.empty()
    _run(program, modes[-1])
    for before, mode in zip((modes[-1], *modes), modes, strict=False):
        folder.lose(folder.targets()[::2])
        yield Trial(mode, f"on the targets of {before}, half of them deleted"), _run(program, mode)


def _losses(names: list[str], mode: str) -> list[list[str]]:
    """Return which targets are to be lost together, one time after the other."""
    halves = [half for half in (names[::2], names[1::2]) if half]
    if is_prefect(mode):
        return halves[:1]
    # The last first: what comes late often needs what an early task does on the way.
    alone = [[name] for name in reversed(names)] if len(names) <= MOST_LOST_ALONE else []
    return alone or halves


def some(names: list[str]) -> str:
    """Return the first of some names, and how many more there are."""
    return names[0] if len(names) == 1 else f"{names[0]} and {len(names) - 1} more"
