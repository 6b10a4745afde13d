"""Exca's way: a pydantic model, whose annotations it reads; so here they are no texts."""

import collections.abc
import hashlib
from typing import Any

import pydantic
from exca import MapInfra


def uid_of(value: Any) -> str:
    """Return the name of a call, which exca asks its user for."""
    return str(value) if isinstance(value, int | str) else hashlib.sha1(value).hexdigest()  # noqa: S324


class Kept(pydantic.BaseModel):
    """Keeps what `function` returns."""

    function: collections.abc.Callable[[Any], Any] = pydantic.Field(exclude=True)
    infra: MapInfra = MapInfra(version="1")
    _exclude_from_cls_uid = ("function",)

    @infra.apply(item_uid=uid_of)  # type: ignore[untyped-decorator]
    def process(  # noqa: D102 - exca takes it for its own
        self, items: collections.abc.Sequence[Any]
    ) -> collections.abc.Iterator[Any]:
        yield from map(self.function, items)
