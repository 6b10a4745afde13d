"""A state machine of hypothesis that calls a flow, and does harm to its targets between."""

from pytest_prefectx.search.machine.rules import ModeMachine

__all__ = ["ModeMachine"]
