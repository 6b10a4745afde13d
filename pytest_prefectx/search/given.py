"""Hypothesis looks for an input on which two modes differ."""

from __future__ import annotations

import functools
import inspect
import re
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, Final

from hypothesis import Phase, event, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from hypothesis.errors import HypothesisException

from pytest_prefectx.agree.agree import FAST, ModesDisagree, agreed, compared
from pytest_prefectx.agree.programs import Arguments, Outcome, Program
from pytest_prefectx.agree.trials import few_losses
from pytest_prefectx.modes import is_prefect
from pytest_prefectx.search.calls import several_calls, without_refused_twins
from pytest_prefectx.search.collisions import shared_target
from pytest_prefectx.search.membership import accepts

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterable, Sequence

    from hypothesis.strategies import SearchStrategy

REPLAYED: Final = 3
"""How many examples are run in the Prefect modes too, where a flow run takes a while."""

CHANGED: Final = 6
"""How many examples are changed a little, to find calls that share a target."""

_MODES: Final = "prefectx_modes"
_MORE: Final = "more_calls"

# Where hypothesis keeps what its decorators say; there is no public way to ask.
_SETTINGS: Final = "_hypothesis_internal_use_settings"
_EXAMPLES: Final = "hypothesis_explicit_examples"


def check_flow(
    subject: Callable[..., Any],
    /,
    *strategies: SearchStrategy[Any],
    modes: Iterable[str] | None = None,
    raises: type[Exception] | tuple[type[Exception], ...] = (),
    settings: hypothesis_settings | None = None,
    **named: SearchStrategy[Any],
) -> None:
    """Let hypothesis look for calls on which a flow or task differs between modes.

    Each example is a few calls made one after the other on the same targets: new ones, the same
    again, and twins, which differ in what a careless name leaves out. The modes without Prefect
    are searched; then some examples, or the smallest that fails, are run in the Prefect modes.

    Args:
        subject: A flow, a task, or a function that calls some; sync or async.
        *strategies: Strategies for its arguments.
        modes: The modes to compare, as for `assert_modes_agree`.
        raises: Exceptions that the subject may raise, if it does so in every mode.
        settings: Hypothesis' settings, such as `settings(max_examples=20)`; by default those of
            the profile, with no deadline.
        **named: Strategies for its arguments by name.

    Raises:
        ModesDisagree: Two modes differ, on the smallest calls that hypothesis found.
        Exception: What the subject raises, if it raises the same in every mode.

    Example:
        >>> from hypothesis import strategies as st
        >>> @task
        ... def double(x: int) -> int:
        ...     return 2 * x
        >>> check_flow(double, st.integers())
    """
    __tracebackhide__ = True
    _refuse_interactive([*strategies, *named.values()])
    arguments = st.builds(Arguments, st.tuples(*strategies), st.fixed_dictionaries(named))
    accepted = functools.partial(accepts, strategies, named)
    search = _Search(compared(modes), raises)

    def check(calls: list[Arguments]) -> None:
        __tracebackhide__ = True
        search.try_example(Program(subject, without_refused_twins(subject, calls)))

    # The name is part of the key under which hypothesis remembers what has failed.
    name = re.sub(r"\W", "_", getattr(subject, "__name__", "call"))
    check.__name__ = check.__qualname__ = f"check_flow_{name}"
    searched = given(calls=several_calls(subject, arguments, accepted))(check)
    search.finish(_patient(settings or hypothesis_settings())(searched))
    search.try_shared_target(accepted)


def given_modes(**strategies: SearchStrategy[Any]) -> Callable[[Callable[..., Any]], Any]:
    """Turn a test into one that hypothesis calls, each example in every enabled mode.

    What the test returns must be the same in all modes, whatever targets are there; what it
    asserts must hold in each. It may ask for fixtures as well.

    Args:
        **strategies: A strategy for each argument that is to be generated.

    Example:
        >>> from hypothesis import strategies as st
        >>> @task
        ... def double(x: int) -> int:
        ...     return 2 * x
        >>> @given_modes(x=st.integers())
        ... def test_double(x):
        ...     return double(x)
    """
    _refuse_interactive(strategies.values())
    if not strategies:
        msg = "given_modes takes a strategy for each argument by name: @given_modes(x=integers())"
        raise TypeError(msg)

    def decorate(test: Callable[..., Any]) -> Any:
        return _searching(test, strategies)

    return decorate


class _Search:
    """The examples of one search: tried in the fast modes, some of them in Prefect's."""

    def __init__(
        self,
        modes: Sequence[str],
        raises: type[Exception] | tuple[type[Exception], ...] = (),
    ) -> None:
        self.first: Final = modes[0]
        self.fast: Final = [mode for mode in modes if not is_prefect(mode)]
        self.slow: Final = [mode for mode in modes if is_prefect(mode)]
        self.raises: Final = raises
        self.examples: Final[list[Program]] = []

    def try_example(self, program: Program) -> None:
        """Compare the modes without Prefect; remember the example for the others."""
        __tracebackhide__ = True
        for mode in self.fast:
            event(f"prefectx mode: {mode}")
        outcomes = agreed(program, self.fast or self.slow, few_losses)
        self._raise_unexpected(outcomes)
        self.examples.append(program)

    def finish(self, search: Callable[[], None]) -> None:
        """Search; then run some examples, or the smallest that failed, in the Prefect modes."""
        __tracebackhide__ = True
        try:
            search()
        except ModesDisagree as error:
            if self.slow and self.fast:
                error.add_note(self._verdicts(error.disagreement.case.program))
            raise
        if self.slow and self.fast:
            for program in _spread(self.examples, REPLAYED):
                agreed(program, (self.first, *self.slow))

    def try_shared_target(self, accepted: Callable[[Arguments], bool]) -> None:
        """Compare the modes on two calls with a target in common, which luck may have missed."""
        __tracebackhide__ = True
        if not self.examples:
            return
        subject = self.examples[0].subject
        calls = [program.calls[0] for program in _spread(self.examples, CHANGED)]
        if found := shared_target(subject, calls, accepted):
            self._raise_unexpected(agreed(Program(subject, found), self.fast or self.slow))

    def _raise_unexpected(self, outcomes: Iterable[Outcome]) -> None:
        for outcome in outcomes:
            if outcome.error is not None and not isinstance(outcome.error, self.raises):
                raise outcome.error

    def _verdicts(self, program: Program) -> str:
        verdicts: list[str] = []
        for mode in self.slow:
            try:
                agreed(program, (self.first, mode))
            except ModesDisagree:
                verdicts.append(f"{mode} differs from {self.first} too")
            else:
                verdicts.append(f"{mode} agrees with {self.first}")
        return f"In the Prefect modes: {'; '.join(verdicts)}."


def _spread(programs: Sequence[Program], most: int) -> list[Program]:
    """Return some examples, from the first, which are the smallest, to the last."""
    if len(programs) <= most:
        return [*programs]
    last = len(programs) - 1
    return [programs[last * index // (most - 1)] for index in range(most)]


_current: ContextVar[_Search] = ContextVar("prefectx_search")


class _Steering(BaseException):
    """Hypothesis itself has raised an error, which no mode is to take for an outcome."""

    def __init__(self, error: Exception) -> None:
        super().__init__(error)
        self.error = error


def _searching(test: Callable[..., Any], strategies: dict[str, SearchStrategy[Any]]) -> Any:
    arguments = st.fixed_dictionaries(strategies).map(lambda named: Arguments((), named))

    @functools.wraps(test)
    def body(*args: Any, **kwargs: Any) -> None:
        __tracebackhide__ = True
        given_now = inspect.signature(body).bind(*args, **kwargs).arguments
        more: list[Arguments] = list(given_now.pop(_MORE, ()))
        first = Arguments((), {name: given_now.pop(name) for name in strategies})
        call = functools.partial(_rejecting, test, **given_now)
        functools.update_wrapper(call, test)
        try:
            _current.get().try_example(Program(call, [first, *more]))
        except _Steering as steering:
            raise steering.error from None

    body.__signature__ = _with_parameters(test, strategies, (*strategies, _MORE))  # type: ignore[attr-defined]
    more = st.lists(arguments, max_size=2)
    searched = given(**strategies, **{_MORE: more})(body)

    @functools.wraps(searched)
    def run(*args: Any, **kwargs: Any) -> None:
        __tracebackhide__ = True
        # Without function there would be nothing to compare a single mode with.
        search = _Search(tuple(dict.fromkeys([FAST[0], *kwargs.pop(_MODES)])))
        # What the decorators of hypothesis say is kept on the function that they decorate.
        said = {name: value for name, value in vars(run).items() if not name.startswith("__")}
        said[_SETTINGS] = _patient(said.get(_SETTINGS) or hypothesis_settings())
        for explicit in said.get(_EXAMPLES, ()):
            explicit.kwargs.setdefault(_MORE, [])
        vars(searched).update(said)
        token = _current.set(search)
        try:
            search.finish(functools.partial(searched, *args, **kwargs))
        finally:
            _current.reset(token)

    run.__signature__ = _with_parameters(test, strategies, (_MODES,))  # type: ignore[attr-defined]
    return run


def _with_parameters(
    test: Callable[..., Any], without: Iterable[str], more: Iterable[str]
) -> inspect.Signature:
    """Return the signature of `test` without some parameters, and with others by name."""
    signature = inspect.signature(test)
    kept = [parameter for name, parameter in signature.parameters.items() if name not in without]
    added = [inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY) for name in more]
    return signature.replace(parameters=[*kept, *added])


def _refuse_interactive(strategies: Iterable[SearchStrategy[Any]]) -> None:
    """Refuse what would draw other values in each mode."""
    for strategy in strategies:
        if repr(strategy) in {"data()", "functions()", "runner()"}:
            msg = (
                f"{strategy!r} draws while the test runs, and would give each mode something else."
                " Draw all that the test needs beforehand: with st.composite, say."
            )
            raise TypeError(msg)


def _patient(chosen: hypothesis_settings) -> hypothesis_settings:
    """Return settings under which flows may take their time.

    The lines that only failing examples run are not looked for: they would be prefectx's own.
    """
    phases = [phase for phase in chosen.phases if phase is not Phase.explain]
    return hypothesis_settings(chosen, deadline=None, phases=phases)


def _rejecting(test: Callable[..., Any], /, **kwargs: Any) -> Any:
    """Call the test; keep `assume` from being taken for what the test gives in a mode."""
    try:
        result = test(**kwargs)
    except HypothesisException as error:
        raise _Steering(error) from None
    return _awaited(result) if inspect.iscoroutine(result) else result


async def _awaited(result: Coroutine[Any, Any, Any]) -> Any:
    try:
        return await result
    except HypothesisException as error:
        raise _Steering(error) from None


# Where users import it from: in tracebacks, in pickles, in the help.
check_flow.__module__ = "pytest_prefectx"
given_modes.__module__ = "pytest_prefectx"
