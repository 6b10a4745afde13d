"""`ModeMachine`: hypothesis calls a flow repeatedly and damages its targets in between."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any, ClassVar, Final

from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    MultipleResults,
    RuleBasedStateMachine,
    initialize,
    multiple,
    precondition,
    rule,
)

from pytest_prefectx.agree.agree import FAST, modes_to_compare
from pytest_prefectx.agree.formatting import short_text
from pytest_prefectx.agree.programs import Arguments
from pytest_prefectx.harm import cut_short, flip
from pytest_prefectx.search.machine.bench import Bench
from pytest_prefectx.search.machine.bench_calls import BenchCall
from pytest_prefectx.search.machine.process import is_importable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from hypothesis.strategies import SearchStrategy

STEPS: Final = 20
"""The number of steps of an example. Most of hypothesis' default 50 would repeat earlier ones."""

MOST_TWINS: Final = 4
"""The maximal number of twins of one call in one step."""

MOST_PROCESSES: Final = 2
"""The maximal number of processes in an example: one takes as long as hundreds of calls."""


def _of_machine(strategy: Callable[[ModeMachine], SearchStrategy[Any]]) -> SearchStrategy[Any]:
    """Return a strategy that depends on the machine's state."""
    return st.runner().flatmap(strategy)


def _some(names: list[str]) -> SearchStrategy[list[str]]:
    return st.lists(st.sampled_from(names), min_size=1, unique=True)


def _few_alike(groups: list[list[Arguments]]) -> SearchStrategy[list[Arguments]]:
    # Several, because each may collide with the first call or with another twin.
    some = st.sampled_from(groups).map(st.sampled_from)
    return some.flatmap(lambda twins: st.lists(twins, min_size=1, max_size=MOST_TWINS))


def _rarely(share: int) -> SearchStrategy[bool]:
    return st.integers(1, share).map(lambda number: number == share)


class ModeMachine(RuleBasedStateMachine):
    """A state machine of hypothesis that runs your flow in a temporary folder.

    It calls the flow with new, repeated and similar arguments; it switches modes; it deletes,
    truncates and corrupts targets; it leaves unfinished files as a crash does, and fills the disk;
    it calls the flow in a new process, and in two threads at once. After all of this, each call
    must return what mode `function` returns in an empty folder.

    To leave a rule out, set it to None in the subclass; to add one, define it.

    Attributes:
        flow: A flow, a task, or a function that calls some; sync or async.
        arguments: A strategy of tuples: the arguments of a call.
        modes: The modes; it starts in the last one.
        raises: Exceptions that the flow may raise, if it does so in every mode.

    Example:
        >>> from hypothesis import strategies as st
        >>> from hypothesis.stateful import run_state_machine_as_test
        >>> @task
        ... def double(x: int) -> int:
        ...     return 2 * x
        >>> class DoubleMachine(ModeMachine):
        ...     flow = double
        ...     arguments = st.tuples(st.integers())
        >>> run_state_machine_as_test(DoubleMachine)  # or: TestDouble = DoubleMachine.TestCase
    """

    flow: ClassVar[Any]
    arguments: ClassVar[SearchStrategy[Any]]
    modes: ClassVar[Iterable[str]] = FAST
    raises: ClassVar[type[Exception] | tuple[type[Exception], ...]] = ()

    calls: ClassVar[Bundle[BenchCall]] = Bundle("calls")

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        inherited = cls.TestCase.settings
        # Hypothesis' explanation takes a minute and shows prefectx's lines; ours has the reason.
        phases = [phase for phase in inherited.phases if phase is not Phase.explain]
        cls.TestCase.settings = settings(inherited, stateful_step_count=STEPS, phases=phases)

    def __init__(self) -> None:
        super().__init__()
        flow = _class_attribute(type(self), "flow")
        self._strategy: Final = _class_attribute(type(self), "arguments").map(_check_tuple)
        # Outcomes are always compared with those of mode function.
        modes_to_compare(("function", *self.modes))
        self._modes: Final = tuple(dict.fromkeys(self.modes))
        self._bench: Final = Bench(flow, self._modes)

    def teardown(self) -> None:
        """Leave the temporary folder and remove it."""
        self._bench.close()

    # The other rules need a call.
    @initialize(target=calls, arguments=_of_machine(lambda machine: machine._strategy))
    def first_call(self, arguments: tuple[Any, ...]) -> BenchCall:
        """Call the flow for the first time."""
        return self._call(arguments)

    @rule(target=calls, arguments=_of_machine(lambda machine: machine._strategy))
    def call(self, arguments: tuple[Any, ...]) -> BenchCall:
        """Call the flow with arguments of the strategy."""
        return self._call(arguments)

    @rule(call=calls)
    def call_again(self, call: BenchCall) -> None:
        """Repeat an earlier call."""
        self._bench.call(call)

    @precondition(lambda machine: machine._bench.twins)
    @rule(target=calls, twins=_of_machine(lambda machine: _few_alike(machine._bench.twins)))
    def call_twins(self, twins: list[Arguments]) -> MultipleResults[BenchCall]:
        """Call the flow with twins of an earlier call's arguments."""
        known = [self._bench.new(twin) for twin in twins]
        # If mode function raises, the arguments are not valid for the flow.
        taken = [call for call in known if call.expected.error is None]
        return multiple(*map(self._bench.learn, taken))

    @precondition(lambda machine: len(machine._modes) > 1)
    @rule(mode=_of_machine(lambda machine: st.sampled_from(machine._modes)))
    def switch_mode(self, mode: str) -> None:
        """Switch to another mode."""
        self._bench.mode = mode

    @precondition(lambda machine: machine._bench.folder.targets())
    @rule(lost=_of_machine(lambda machine: _some(machine._bench.folder.targets())))
    def lose(self, lost: list[str]) -> None:
        """Delete targets, as a user does to recompute them."""
        self._bench.lose(lost)

    @precondition(lambda machine: machine._bench.folder.targets())
    @rule(path=_of_machine(lambda machine: st.sampled_from(machine._bench.folder.targets())))
    def truncate(self, path: str) -> None:
        """Truncate a target: it must be refused until it is deleted."""
        self._bench.spoil(path, cut_short, "cut short")

    @precondition(lambda machine: machine._bench.folder.targets())
    @rule(path=_of_machine(lambda machine: st.sampled_from(machine._bench.folder.targets())))
    def corrupt(self, path: str) -> None:
        """Flip each bit of a target: it must be refused until it is deleted."""
        self._bench.spoil(path, flip, "spoilt")

    @precondition(lambda machine: machine._bench.folder.targets())
    @rule(path=_of_machine(lambda machine: st.sampled_from(machine._bench.folder.targets())))
    def crash(self, path: str) -> None:
        """Leave an unfinished file, as a crash during a write does: it is no target."""
        self._bench.crash(path)

    @precondition(lambda machine: machine._bench.keeping)
    @rule(call=calls, room=st.integers(0, 3))
    def full_disk(self, call: BenchCall, room: int) -> None:
        """Repeat an earlier call on a disk with room for `room` targets; then on one with room."""
        self._bench.fill_disk(call, room)

    @precondition(lambda machine: machine._may_start_process())
    @rule(call=calls, really=_rarely(20))
    def new_process(self, call: BenchCall, really: bool) -> None:
        """Repeat an earlier call in a new process, on the same targets; rarely, as it is slow."""
        if really:
            self._bench.call_in_new_process(call)

    @precondition(lambda machine: machine._bench.keeping)
    @rule(one=calls, other=calls, cold=st.booleans())
    def concurrent_run(self, one: BenchCall, other: BenchCall, cold: bool) -> None:
        """Repeat two earlier calls at the same time, in two threads; `cold`: without targets."""
        self._bench.call_together(one, other, cold)

    def _may_start_process(self) -> bool:
        few = self._bench.processes < MOST_PROCESSES
        return few and "cache" in self._modes and is_importable(self._bench.subject)

    def _call(self, arguments: tuple[Any, ...]) -> BenchCall:
        known = self._bench.new(Arguments(arguments))
        error = known.expected.error
        if error is not None and not isinstance(error, self.raises):
            raise error
        return self._bench.learn(known)


def _class_attribute(machine: type[ModeMachine], name: str) -> Any:
    # Read statically: otherwise a flow would be bound to the machine, like a method.
    found = inspect.getattr_static(machine, name, None)
    if found is None:
        msg = (
            f"{machine.__name__} has no {name}. A ModeMachine needs two attributes: flow, and"
            " arguments, a strategy of tuples."
        )
        raise TypeError(msg)
    return found.__func__ if isinstance(found, staticmethod) else found


def _check_tuple(arguments: Any) -> tuple[Any, ...]:
    if not isinstance(arguments, tuple):
        msg = f"arguments= must be a strategy of tuples, but it has drawn {short_text(arguments)}"
        raise TypeError(msg)
    return arguments  # pyright: ignore[reportUnknownVariableType]


# The public module, for tracebacks, pickles and help.
ModeMachine.__module__ = "pytest_prefectx"
