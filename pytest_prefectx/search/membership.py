"""`may_give`: tells whether a hypothesis strategy can draw a value, as a valid input of a flow."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from pytest_prefectx.equality import identical

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from hypothesis.strategies import SearchStrategy

    from pytest_prefectx.agree.programs import Arguments


def may_give(strategy: SearchStrategy[Any], value: Any) -> bool:
    """Tell whether `strategy` can draw `value`; False if it is not known.

    Hypothesis has no public function for it. If its classes are not as expected, the result is
    False.

    Example:
        >>> from hypothesis import strategies as st
        >>> may_give(st.floats(1, 10), -1.0), may_give(st.lists(st.text()), ["a"])
        (False, True)
    """
    plain: Any = strategy
    try:
        while hasattr(plain, "wrapped_strategy"):
            plain = plain.wrapped_strategy
        judge = _JUDGES.get(type(plain).__name__)
        return judge is not None and judge(plain, value)
    except Exception:  # noqa: BLE001 - another version of hypothesis, or a filter that raises
        return False


def accepts(
    positional: tuple[SearchStrategy[Any], ...],
    named: Mapping[str, SearchStrategy[Any]],
    call: Arguments,
) -> bool:
    """Tell whether these strategies can draw the arguments of a call."""
    return all(map(may_give, positional, call.args)) and all(
        may_give(strategy, call.kwargs[name]) for name, strategy in named.items()
    )


def _integers(strategy: Any, value: Any) -> bool:
    return _is_of(value, int) and _is_between(strategy.start, value, strategy.end)


def _floats(strategy: Any, value: Any) -> bool:
    if not _is_of(value, float):
        return False
    if value != value:  # noqa: PLR0124 - NaN alone does not equal itself
        return bool(strategy.allow_nan)
    if 0 < abs(value) < strategy.smallest_nonzero_magnitude:
        return False
    signed = (strategy.min_value, str(strategy.min_value)) != (0.0, "0.0") or str(value) != "-0.0"
    return signed and _is_between(strategy.min_value, value, strategy.max_value)


def _text(strategy: Any, value: Any) -> bool:
    size_fits = _is_of(value, str) and strategy.min_size <= len(value) <= strategy.max_size
    return size_fits and all(may_give(strategy.element_strategy, char) for char in value)


def _character(strategy: Any, value: Any) -> bool:
    return _is_of(value, str) and len(value) == 1 and ord(value) in strategy.intervals


def _binary(strategy: Any, value: Any) -> bool:
    return _is_of(value, bytes) and strategy.min_size <= len(value) <= strategy.max_size


def _sampled(strategy: Any, value: Any) -> bool:
    # The transformations of `.map` and `.filter` cannot be inverted.
    if strategy._transformations:
        return False
    return any(identical(value, element) for element in strategy.elements)


def _list(strategy: Any, value: Any) -> bool:
    size_fits = _is_of(value, list) and strategy.min_size <= len(value) <= strategy.max_size
    return size_fits and all(may_give(strategy.element_strategy, element) for element in value)


def _unique_list(strategy: Any, value: Any) -> bool:
    if strategy.tuple_suffixes is not None or not _list(strategy, value):
        return False
    return all(len({key(each) for each in value}) == len(value) for key in strategy.keys)


def _tuple(strategy: Any, value: Any) -> bool:
    parts = strategy.element_strategies
    return _is_of(value, tuple) and len(value) == len(parts) and all(map(may_give, parts, value))


def _mapped(strategy: Any, value: Any) -> bool:
    """Check sets and dicts, which hypothesis makes from lists; other functions are unknown."""
    inner, kind = strategy.mapped_strategy, strategy.pack
    if kind not in {set, frozenset, dict} or not _is_of(value, kind):
        return False
    if not inner.min_size <= len(value) <= inner.max_size:
        return False
    if kind is not dict:
        return all(may_give(inner.element_strategy, element) for element in value)
    return all(
        may_give(inner.element_strategy, key) and _tuple(inner.tuple_suffixes, (element,))
        for key, element in value.items()
    )


def _fixed_dict(strategy: Any, value: Any) -> bool:
    optional: dict[Any, Any] = strategy.optional or {}
    if not _is_of(value, dict) or value.keys() - strategy.mapping.keys() - optional.keys():
        return False
    # The order of its keys is always that of the mapping.
    if [key for key in value if key in strategy.mapping] != [*strategy.mapping]:
        return False
    return all(
        may_give({**strategy.mapping, **optional}[key], element) for key, element in value.items()
    )


def _one_of(strategy: Any, value: Any) -> bool:
    return any(may_give(each, value) for each in strategy.original_strategies)


def _filtered(strategy: Any, value: Any) -> bool:
    if not may_give(strategy.filtered_strategy, value):
        return False
    return all(condition(value) for condition in strategy.flat_conditions)


def _date(strategy: Any, value: Any) -> bool:
    import datetime

    kind: Any = strategy.min_value.__class__
    if not _is_of(value, kind):
        return False
    if kind is datetime.datetime and value.tzinfo is not None:
        return False
    return _is_between(strategy.min_value, value, strategy.max_value)


def _is_of(value: Any, kind: type) -> bool:
    return type(value) is kind


def _is_between(low: Any, value: Any, high: Any) -> bool:
    return (low is None or low <= value) and (high is None or value <= high)


_JUDGES: Final[Mapping[str, Callable[[Any, Any], bool]]] = {
    "IntegersStrategy": _integers,
    "FloatStrategy": _floats,
    "TextStrategy": _text,
    "OneCharStringStrategy": _character,
    "BytesStrategy": _binary,
    "BooleansStrategy": lambda _, value: _is_of(value, bool),
    "JustStrategy": _sampled,
    "SampledFromStrategy": _sampled,
    "ListStrategy": _list,
    "UniqueListStrategy": _unique_list,
    "TupleStrategy": _tuple,
    "MappedStrategy": _mapped,
    "FixedDictStrategy": _fixed_dict,
    "OneOfStrategy": _one_of,
    "FilteredStrategy": _filtered,
    "DateStrategy": _date,
    "DatetimeStrategy": _date,
    "TimeStrategy": _date,
    "TimedeltaStrategy": _date,
}
