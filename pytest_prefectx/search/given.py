"""A search with hypothesis for inputs on which two modes differ."""

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

from pytest_prefectx.agree.agree import FAST, ModesDisagree, compare_modes, modes_to_compare
from pytest_prefectx.agree.programs import Arguments, Outcome, Program
from pytest_prefectx.agree.trials import FEW_LOSSES, FEW_LOSSES_HERE
from pytest_prefectx.modes import is_prefect
from pytest_prefectx.search.calls import drop_refused_twins, several_calls
from pytest_prefectx.search.collisions import shared_target
from pytest_prefectx.search.membership import accepts

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterable, Sequence

    from hypothesis.strategies import SearchStrategy

MOST_REPLAYED: Final = 3
"""The maximal number of examples that run in the Prefect modes too, which are slow."""

MOST_CHANGED: Final = 6
"""The maximal number of examples that are changed a little, to find calls that share a target."""

MOST_FRESH: Final = 10
"""The number of examples, the first ones, of which all are tried in a fresh process too."""

EACH_FRESH: Final = 5
"""Every fifth of the later examples is tried in a fresh process too."""

_MODES: Final = "prefectx_modes"
_MORE: Final = "more_calls"

# The attributes in which hypothesis' decorators store their options; there is no public access.
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
    """Search with hypothesis for calls on which a flow or task differs between modes.

    Each example is a few calls, one after the other on the same targets: new ones, repeated ones,
    and twins, which differ in something that a careless name leaves out. The search uses the modes
    without Prefect; then some examples, or the smallest failing one, run in the Prefect modes.

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
        Exception: The subject's exception, if it raises the same in every mode.

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
    search = _Search(modes_to_compare(modes), raises)

    def check(calls: list[Arguments]) -> None:
        __tracebackhide__ = True
        search.try_example(Program(subject, drop_refused_twins(subject, calls)))

    # The name is part of the key in hypothesis' database of failures.
    name = re.sub(r"\W", "_", getattr(subject, "__name__", "call"))
    check.__name__ = check.__qualname__ = f"check_flow_{name}"
    searched = given(calls=several_calls(subject, arguments, accepted))(check)
    search.finish(_without_deadline(settings or hypothesis_settings())(searched))
    search.try_shared_target(accepted)


def given_modes(**strategies: SearchStrategy[Any]) -> Callable[[Callable[..., Any]], Any]:
    """Return a decorator for a test that hypothesis runs, with each example in every enabled mode.

    The test must return the same in all modes, whatever targets exist, and its assertions must
    hold in each. It may use fixtures too.

    Args:
        **strategies: A strategy for each generated argument.

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
        msg = "given_modes needs a strategy for each argument by name: @given_modes(x=integers())"
        raise TypeError(msg)

    def decorate(test: Callable[..., Any]) -> Any:
        return _search_test(test, strategies)

    return decorate


class _Search:
    """One search: its examples run in the fast modes, and some of them in the Prefect modes."""

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
        self._has_failed = False

    def try_example(self, program: Program) -> None:
        """Compare the modes without Prefect; store the example for the other modes."""
        __tracebackhide__ = True
        for mode in self.fast:
            event(f"prefectx mode: {mode}")
        losses = FEW_LOSSES if self._tries_fresh_process() else FEW_LOSSES_HERE
        try:
            outcomes = compare_modes(program, self.fast or self.slow, losses)
        except ModesDisagree:
            self._has_failed = True
            raise
        self._raise_unexpected(outcomes)
        self.examples.append(program)

    def _tries_fresh_process(self) -> bool:
        """Tell whether targets of the next example are lost in a fresh process.

        That takes a third of an example's time, and what it finds depends on the inputs least of
        all. After a failure each example is tried so: hypothesis expects what fails to fail again.
        """
        count = len(self.examples)
        return self._has_failed or count < MOST_FRESH or count % EACH_FRESH == 0

    def finish(self, search: Callable[[], None]) -> None:
        """Search; then run some examples, or the smallest failing one, in the Prefect modes."""
        __tracebackhide__ = True
        try:
            search()
        except ModesDisagree as error:
            if self.slow and self.fast:
                error.add_note(self._verdicts(error.disagreement.case.program))
            raise
        if self.slow and self.fast:
            for program in _spread(self.examples, MOST_REPLAYED):
                compare_modes(program, (self.first, *self.slow))

    def try_shared_target(self, accepted: Callable[[Arguments], bool]) -> None:
        """Compare the modes on two calls that share a target, if there are any."""
        __tracebackhide__ = True
        if not self.examples:
            return
        subject = self.examples[0].subject
        calls = [program.calls[0] for program in _spread(self.examples, MOST_CHANGED)]
        if found := shared_target(subject, calls, accepted):
            self._raise_unexpected(compare_modes(Program(subject, found), self.fast or self.slow))

    def _raise_unexpected(self, outcomes: Iterable[Outcome]) -> None:
        for outcome in outcomes:
            if outcome.error is not None and not isinstance(outcome.error, self.raises):
                raise outcome.error

    def _verdicts(self, program: Program) -> str:
        verdicts: list[str] = []
        for mode in self.slow:
            try:
                compare_modes(program, (self.first, mode))
            except ModesDisagree:
                verdicts.append(f"{mode} differs from {self.first} too")
            else:
                verdicts.append(f"{mode} agrees with {self.first}")
        return f"In the Prefect modes: {'; '.join(verdicts)}."


def _spread(programs: Sequence[Program], most: int) -> list[Program]:
    """Return some examples, evenly spread from the first to the last."""
    if len(programs) <= most:
        return [*programs]
    last = len(programs) - 1
    return [programs[last * index // (most - 1)] for index in range(most)]


_current: ContextVar[_Search] = ContextVar("prefectx_search")


class _HypothesisSignal(BaseException):
    """An error of hypothesis itself, which is not an outcome of a mode."""

    def __init__(self, error: Exception) -> None:
        super().__init__(error)
        self.error = error


def _search_test(test: Callable[..., Any], strategies: dict[str, SearchStrategy[Any]]) -> Any:
    arguments = st.fixed_dictionaries(strategies).map(lambda named: Arguments((), named))

    @functools.wraps(test)
    def body(*args: Any, **kwargs: Any) -> None:
        __tracebackhide__ = True
        given_now = inspect.signature(body).bind(*args, **kwargs).arguments
        more: list[Arguments] = list(given_now.pop(_MORE, ()))
        first = Arguments((), {name: given_now.pop(name) for name in strategies})
        call = functools.partial(_call_test, test, **given_now)
        functools.update_wrapper(call, test)
        try:
            _current.get().try_example(Program(call, [first, *more]))
        except _HypothesisSignal as steering:
            raise steering.error from None

    body.__signature__ = _with_parameters(test, strategies, (*strategies, _MORE))  # type: ignore[attr-defined]
    more = st.lists(arguments, max_size=2)
    searched = given(**strategies, **{_MORE: more})(body)

    @functools.wraps(searched)
    def run(*args: Any, **kwargs: Any) -> None:
        __tracebackhide__ = True
        # With mode function, so that a single mode has something to be compared with.
        search = _Search(tuple(dict.fromkeys([FAST[0], *kwargs.pop(_MODES)])))
        # Hypothesis' decorators store their options on the function that they decorate.
        said = {name: value for name, value in vars(run).items() if not name.startswith("__")}
        said[_SETTINGS] = _without_deadline(said.get(_SETTINGS) or hypothesis_settings())
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
    """Return the signature of `test` without some parameters, and with additional ones."""
    signature = inspect.signature(test)
    kept = [parameter for name, parameter in signature.parameters.items() if name not in without]
    added = [inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY) for name in more]
    return signature.replace(parameters=[*kept, *added])


def _refuse_interactive(strategies: Iterable[SearchStrategy[Any]]) -> None:
    """Raise an error for strategies that would draw other values in each mode."""
    for strategy in strategies:
        if repr(strategy) in {"data()", "functions()", "runner()"}:
            msg = (
                f"{strategy!r} draws values while the test runs, which would differ in each mode."
                " Draw all values before the test, with st.composite, say."
            )
            raise TypeError(msg)


def _without_deadline(chosen: hypothesis_settings) -> hypothesis_settings:
    """Return the settings without a deadline, because flows may be slow.

    The explain phase is removed too: it would show prefectx's own lines.
    """
    phases = [phase for phase in chosen.phases if phase is not Phase.explain]
    return hypothesis_settings(chosen, deadline=None, phases=phases)


def _call_test(test: Callable[..., Any], /, **kwargs: Any) -> Any:
    """Call the test; turn exceptions of hypothesis, such as of `assume`, into a signal."""
    try:
        result = test(**kwargs)
    except HypothesisException as error:
        raise _HypothesisSignal(error) from None
    return _await(result) if inspect.iscoroutine(result) else result


async def _await(result: Coroutine[Any, Any, Any]) -> Any:
    try:
        return await result
    except HypothesisException as error:
        raise _HypothesisSignal(error) from None


# The public module, for tracebacks, pickles and help.
check_flow.__module__ = "pytest_prefectx"
given_modes.__module__ = "pytest_prefectx"
