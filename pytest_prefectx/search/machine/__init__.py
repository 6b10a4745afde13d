"""A state machine of hypothesis that calls a flow and damages its targets in between."""

from pytest_prefectx.search.machine.rules import ModeMachine

__all__ = ["ModeMachine"]
