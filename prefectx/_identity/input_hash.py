"""Hashes of what a call's inputs hold: for Items, of what lies at their targets."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from xxhash import xxh3_128

from prefectx._identity.content_hash import digest
from prefectx._values.containers import replace
from prefectx._values.item import is_item

if TYPE_CHECKING:
    from collections.abc import Mapping


def inputs_hash(arguments: Mapping[str, Any]) -> str:
    """Return a hash of all arguments' contents: for Items, of what lies at their targets."""
    return digest(replace(dict(arguments), _contents)).hex()


def upstream_hash(arguments: Mapping[str, Any]) -> str:
    """Return a hash of what lies at the targets of the Items among the arguments."""
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
