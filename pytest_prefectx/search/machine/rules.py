"""`ModeMachine`: hypothesis calls a flow again and again, and does harm to its targets between."""

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

from pytest_prefectx.agree.agree import FAST, compared
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
"""How many steps an example has. Of hypothesis' own 50, most would do what was done before."""

MOST_TWINS: Final = 4
"""How many twins of one call are called in one step."""

MOST_PROCESSES: Final = 2
"""How many processes an example starts at most: one takes as long as hundreds of calls."""


def _of_machine(strategy: Callable[[ModeMachine], SearchStrategy[Any]]) -> SearchStrategy[Any]:
    """Return a strategy that depends on what the machine knows by then."""
    return st.runner().flatmap(strategy)


def _some(names: list[str]) -> SearchStrategy[list[str]]:
    return st.lists(st.sampled_from(names), min_size=1, unique=True)


def _few_alike(groups: list[list[Arguments]]) -> SearchStrategy[list[Arguments]]:
    # More than one: the first call may collide with any of them, and they with each other.
    some = st.sampled_from(groups).map(st.sampled_from)
    return some.flatmap(lambda twins: st.lists(twins, min_size=1, max_size=MOST_TWINS))


def _rarely(share: int) -> SearchStrategy[bool]:
    return st.integers(1, share).map(lambda number: number == share)


class ModeMachine(RuleBasedStateMachine):
    """A state machine of hypothesis that runs a flow of yours, in one temporary folder.

    It calls the flow, calls it again, and with what could be taken for the same arguments; it
    switches modes; it deletes targets, cuts them short, spoils them; it leaves unfinished files as
    a crash does, and fills the disk; it calls the flow in a new process, and in two threads at
    once. Whatever it has done: each call must give what mode `function` gives in an empty folder.

    To leave a rule out, set it to None in the subclass; to add one, write it.

    Attributes:
        flow: A flow, a task, or a function that calls some; sync or async.
        arguments: A strategy of tuples: the arguments of a call.
        modes: The modes that it switches between; it starts in the last.
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
        # Hypothesis' explanation takes a minute here, and names lines of prefectx; ours says why.
        phases = [phase for phase in inherited.phases if phase is not Phase.explain]
        cls.TestCase.settings = settings(inherited, stateful_step_count=STEPS, phases=phases)

    def __init__(self) -> None:
        super().__init__()
        flow = _declared(type(self), "flow")
        self._strategy: Final = _declared(type(self), "arguments").map(_checked)
        # Whatever is in force, what mode function gives is what it is compared with.
        compared(("function", *self.modes))
        self._modes: Final = tuple(dict.fromkeys(self.modes))
        self._bench: Final = Bench(flow, self._modes)

    def teardown(self) -> None:
        """Leave the temporary folder and remove it."""
        self._bench.close()

    # Without a call there is nothing that the other rules could do.
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
        """Make a known call once more."""
        self._bench.call(call)

    @precondition(lambda machine: machine._bench.twins)
    @rule(target=calls, twins=_of_machine(lambda machine: _few_alike(machine._bench.twins)))
    def call_twins(self, twins: list[Arguments]) -> MultipleResults[BenchCall]:
        """Call the flow with what a careless name would take for the arguments of a known call."""
        known = [self._bench.new(twin) for twin in twins]
        # Where function mode raises, the flow was not written for such arguments.
        taken = [call for call in known if call.expected.error is None]
        return multiple(*map(self._bench.learn, taken))

    @precondition(lambda machine: len(machine._modes) > 1)
    @rule(mode=_of_machine(lambda machine: st.sampled_from(machine._modes)))
    def switch_mode(self, mode: str) -> None:
        """Make calls in this mode from now on."""
        self._bench.mode = mode

    @precondition(lambda machine: machine._bench.place.targets())
    @rule(lost=_of_machine(lambda machine: _some(machine._bench.place.targets())))
    def lose(self, lost: list[str]) -> None:
        """Delete targets, as a user does to have them made again."""
        self._bench.lose(lost)

    @precondition(lambda machine: machine._bench.place.targets())
    @rule(path=_of_machine(lambda machine: st.sampled_from(machine._bench.place.targets())))
    def truncate(self, path: str) -> None:
        """Cut a target short: it is refused until it is deleted."""
        self._bench.spoil(path, cut_short, "cut short")

    @precondition(lambda machine: machine._bench.place.targets())
    @rule(path=_of_machine(lambda machine: st.sampled_from(machine._bench.place.targets())))
    def corrupt(self, path: str) -> None:
        """Flip each bit of a target: it is refused until it is deleted."""
        self._bench.spoil(path, flip, "spoilt")

    @precondition(lambda machine: machine._bench.place.targets())
    @rule(path=_of_machine(lambda machine: st.sampled_from(machine._bench.place.targets())))
    def crash(self, path: str) -> None:
        """Leave what a crash during a write leaves, an unfinished file: it is no target."""
        self._bench.crash(path)

    @precondition(lambda machine: machine._bench.keeping)
    @rule(call=calls, room=st.integers(0, 3))
    def full_disk(self, call: BenchCall, room: int) -> None:
        """Make a known call anew, on a disk with room for so many targets; then with room."""
        self._bench.fill_disk(call, room)

    @precondition(lambda machine: machine._may_start_process())
    @rule(call=calls, really=_rarely(20))
    def new_process(self, call: BenchCall, really: bool) -> None:
        """Make a known call in a new process, on the same targets; rarely, for that takes time."""
        if really:
            self._bench.call_in_new_process(call)

    @precondition(lambda machine: machine._bench.keeping)
    @rule(one=calls, other=calls, cold=st.booleans())
    def concurrent_run(self, one: BenchCall, other: BenchCall, cold: bool) -> None:
        """Make two known calls at the same time, in two threads; cold: with no targets there."""
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


def _declared(machine: type[ModeMachine], name: str) -> Any:
    # A flow that is an attribute would be bound to the machine as a method is.
    found = inspect.getattr_static(machine, name, None)
    if found is None:
        msg = (
            f"{machine.__name__} has no {name}. A ModeMachine needs two attributes: flow, and"
            " arguments, a strategy of tuples."
        )
        raise TypeError(msg)
    return found.__func__ if isinstance(found, staticmethod) else found


def _checked(arguments: Any) -> tuple[Any, ...]:
    if not isinstance(arguments, tuple):
        msg = f"arguments= is a strategy of tuples, but it gave {short_text(arguments)}"
        raise TypeError(msg)
    return arguments  # pyright: ignore[reportUnknownVariableType]


# Where users import it from: in tracebacks, in pickles, in the help.
ModeMachine.__module__ = "pytest_prefectx"
