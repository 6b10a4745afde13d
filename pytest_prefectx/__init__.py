"""The pytest plugin of prefectx, and tools for tests, which are imported at their first use."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from pytest_prefectx.agree.agree import ModesDisagree, assert_modes_agree
    from pytest_prefectx.contract import StoreContract
    from pytest_prefectx.equality import difference, identical, register_identical
    from pytest_prefectx.old_targets import OldTarget
    from pytest_prefectx.search import strategies
    from pytest_prefectx.search.given import check_flow, given_modes
    from pytest_prefectx.search.machine import ModeMachine
    from pytest_prefectx.search.store_machine import StoreMachine
    from pytest_prefectx.targets import Targets

__all__ = [
    "ModeMachine",
    "ModesDisagree",
    "OldTarget",
    "StoreContract",
    "StoreMachine",
    "Targets",
    "assert_modes_agree",
    "check_flow",
    "difference",
    "given_modes",
    "identical",
    "register_identical",
    "strategies",
]

_PLACES: Final = {
    "ModeMachine": "search.machine",
    "ModesDisagree": "agree.agree",
    "OldTarget": "old_targets",
    "StoreContract": "contract",
    "StoreMachine": "search.store_machine",
    "Targets": "targets",
    "assert_modes_agree": "agree.agree",
    "check_flow": "search.given",
    "difference": "equality",
    "given_modes": "search.given",
    "identical": "equality",
    "register_identical": "equality",
}


def __getattr__(name: str) -> Any:
    # Imported lazily, because pytest imports this package at the start of every session.
    if name in _PLACES:
        return getattr(_import(f"pytest_prefectx.{_PLACES[name]}", name), name)
    if name == "strategies":
        return _import("pytest_prefectx.search.strategies", name)
    msg = f"module 'pytest_prefectx' has no attribute {name!r}"
    raise AttributeError(msg)


def _import(module: str, name: str) -> Any:
    try:
        return import_module(module)
    except ModuleNotFoundError as error:
        if error.name != "hypothesis":
            raise
        from prefectx.errors import MissingExtra

        msg = f'pytest_prefectx.{name} needs hypothesis: pip install "prefectx[test]"'
        raise MissingExtra(msg) from error


def __dir__() -> list[str]:
    return sorted(__all__)
