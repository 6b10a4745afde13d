"""Parts of classes that cannot be imported by name, for hashing: those made by functions."""

from __future__ import annotations

import enum
from types import GetSetDescriptorType, MemberDescriptorType
from typing import Any, Final

from prefectx._identity.attributes import attributes_of
from prefectx._identity.names import importable_name, module_name
from prefectx._identity.parts import Digest, Parts, text_leaf

_IS_HEAP_TYPE: Final = 1 << 9

# Attributes that follow from the others, or only say where a class was made.
_DERIVED: Final = frozenset(
    {
        *("__dict__", "__weakref__", "__module__", "__qualname__", "__doc__", "_abc_impl"),
        # Python sets these when an object is first pickled, or first compared with a protocol.
        *("__slotnames__", "__non_callable_proto_members__"),
        *("__firstlineno__", "__static_attributes__", "__annotations_cache__"),
        *("__pydantic_complete__", "__pydantic_core_schema__", "__pydantic_custom_init__"),
        *("__pydantic_parent_namespace__", "__pydantic_serializer__", "__pydantic_validator__"),
        *("__pydantic_setattr_handlers__", "__signature__"),
    }
)
_DERIVED_IN_ENUMS: Final = frozenset(
    {
        *("_member_map_", "_member_names_", "_value2member_map_", "_hashable_values_"),
        *("_unhashable_values_", "_unhashable_values_map_", "_new_member_", "_use_args_"),
        *("_value_repr_", "__new_member__", "_all_bits_", "_singles_mask_", "_inverted_"),
    }
)


def class_parts(kind: type[Any]) -> Digest | Parts:
    """Return the digest of a class's name, or its parts if it cannot be imported by name."""
    if (name := importable_name(kind)) is not None:
        return text_leaf("class", name)
    name = f"{module_name(kind.__module__)}.{kind.__qualname__}"
    if not kind.__flags__ & _IS_HEAP_TYPE:
        # A class in C, such as the type of None: its name is unique.
        return text_leaf("class", name)
    return Parts("class", (name, type(kind), kind.__bases__, own_attributes(kind)))


def own_attributes(kind: type[Any]) -> dict[str, Any]:
    """Return the methods, fields and members of a class, by name and sorted."""
    return _enum_attributes(kind) if issubclass(kind, enum.Enum) else _attributes(kind)


def _attributes(kind: type[Any]) -> dict[str, Any]:
    found = vars(kind)
    return {
        name: _attribute(found[name])
        for name in sorted(found)
        if name not in _DERIVED
        and not isinstance(found[name], GetSetDescriptorType)
        # Python makes an empty one when it is asked for.
        and not (name == "__annotations__" and not found[name])
    }


def _enum_attributes(kind: type[enum.Enum]) -> dict[str, Any]:
    # A member refers to its class, so the members are taken by name and value.
    members = {name: (member.name, member.value) for name, member in kind.__members__.items()}
    others = {
        name: attribute
        for name, attribute in _attributes(kind).items()
        if name not in kind.__members__ and name not in _DERIVED_IN_ENUMS
    }
    return {"members": members, **others}


def _attribute(value: Any) -> Any:
    if isinstance(value, MemberDescriptorType):
        # A slot has nothing but its name.
        return "slot"
    if type(value).__name__ == "DecoratorInfos":
        # Pydantic's validators, without the address of the class, which is among their attributes.
        return {
            kind: {name: (found.cls_var_name, found.info) for name, found in each.items()}
            for kind, each in attributes_of(value).items()
        }
    return value
