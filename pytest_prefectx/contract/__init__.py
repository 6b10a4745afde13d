"""What every store must do, as a suite of tests for those who write one of their own."""

from pytest_prefectx.contract.suite import StoreContract

__all__ = ["StoreContract"]
