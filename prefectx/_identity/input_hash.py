"""Hashes of the contents of a call's inputs; for Items, of the data they refer to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from xxhash import xxh3_128

from prefectx._identity.content_hash import digest
from prefectx._values.containers import replace
from prefectx._values.item import is_item

if TYPE_CHECKING:
    from collections.abc import Mapping


def inputs_hash(arguments: Mapping[str, Any]) -> str:
    """Return a hash of the contents of all arguments; for Items, of the data they refer to."""
    return digest(replace(dict(arguments), _contents)).hex()


def upstream_hash(arguments: Mapping[str, Any]) -> str:
    """Return a hash of the data that the Items among the arguments refer to."""
    whole = xxh3_128()

    def feed(value: Any) -> Any:
        if is_item(value):
            whole.update(f"{value.target}\0".encode("utf-8", "surrogatepass"))
            whole.update(value.store.digest(value.target))
        return value

    replace(dict(arguments), feed)
    return whole.hexdigest()


def _contents(value: Any) -> Any:
    if is_item(value):
        return (value.target, value.store.digest(value.target))
    return value
