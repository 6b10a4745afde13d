"""The tests that every store must pass, for authors of stores."""

from pytest_prefectx.contract.suite import StoreContract

__all__ = ["StoreContract"]
