"""The zoo on which `assert_modes_agree` is judged: small flows as people really write them.

Each flow in `defects` has one defect that makes modes differ, and says what it is; the comment
above it says in which phase it shows: `cold` (nothing kept yet, or within one run), `second call`
(another call on the same store), `warm` (all targets there), or `lost` (some targets there), and
which. On the flows in `correct` every mode agrees, although they look suspicious.

The flows behave the same however often and in whatever order they are run in one process, each
time in a fresh current folder with fresh arguments; only those that are "not-deterministic" do not.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Defect:
    """A flow whose modes differ.

    Attributes:
        flow: The flow.
        reason: The kind of reason.
        names: Words that the explanation must contain.
        calls: The arguments of each call; all calls are made in a row on one store.
        modes: The modes that differ.
        needs_fresh_process: Whether it shows only where no threads keep the process from being
            copied, and where distributed, which pickles the causes of exceptions, is not imported.
    """

    flow: Any
    reason: str
    names: tuple[str, ...] = ()
    calls: list[tuple[Any, ...]] = field(default_factory=lambda: [()])
    modes: tuple[str, ...] = ("function", "cache")
    needs_fresh_process: bool = False

    def __str__(self) -> str:
        return f"{self.reason}: {self.flow.__name__}"


@dataclass(frozen=True)
class Correct:
    """A flow whose modes agree; attributes as of `Defect`."""

    flow: Any
    calls: list[tuple[Any, ...]] = field(default_factory=lambda: [()])
    modes: tuple[str, ...] = ("function", "cache")

    def __str__(self) -> str:
        return str(self.flow.__name__)
