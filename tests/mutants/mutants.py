"""Bugs that prefectx could have, one at a time.

Each is a function that takes the right function and returns a wrong one; `@bug` says what is wrong
and which function, by module and name, so that code may be written anew and its bugs stay.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple

#: What a mutant changes, and what it becomes.
Function = Callable[..., Any]
Change = Callable[[Function], Function]


class Mutant(NamedTuple):
    """A bug.

    Attributes:
        name: What is wrong.
        module: The module to change.
        function: The function in it, as `default_base` or `Run.claim`.
        change: Gives the wrong function for the right one.
    """

    name: str
    module: str
    function: str
    change: Change

    def plant(self, namespace: Mapping[str, Any]) -> tuple[Any, str, Any]:
        """Return where the wrong function goes: an object or a module's names, the name, itself.

        Raises:
            LookupError: There is no such function.
        """
        owner: Any = None
        *classes, name = self.function.split(".")
        try:
            for part in classes:
                owner = namespace[part] if owner is None else getattr(owner, part)
            right = namespace[name] if owner is None else getattr(owner, name)
        except (KeyError, AttributeError) as error:
            msg = (
                f"the mutant {self.name!r} is out of date: there is no {self.function} in"
                f" {self.module}. Give it the function that does now what that one did."
            )
            raise LookupError(msg) from error
        return owner, name, self.change(right)


MUTANTS: Final[list[Mutant]] = []


def bug(name: str, function: str) -> Callable[[Change], Change]:
    """Add a mutant: `function` is `module:name`, within `prefectx`."""

    def add(change: Change) -> Change:
        module, _, within = function.partition(":")
        MUTANTS.append(Mutant(name, f"prefectx.{module}", within, change))
        return change

    return add


def plant(name: str, namespace: dict[str, Any]) -> None:
    """Plant a mutant, by its name, in the module whose names these are."""
    mutant = next(mutant for mutant in MUTANTS if mutant.name == name)
    owner, function, wrong = mutant.plant(namespace)
    if owner is None:
        namespace[function] = wrong
    else:
        setattr(owner, function, wrong)


def _with_changed(value: Any, change: Callable[[Any], Any]) -> Any:
    """Return a list, tuple, dict or plain value with each plain value in it changed."""
    if type(value) is list:
        return [_with_changed(element, change) for element in value]
    if type(value) is tuple:
        return tuple(_with_changed(element, change) for element in value)
    if type(value) is dict:
        return {
            _with_changed(key, change): _with_changed(element, change)
            for key, element in value.items()
        }
    return change(value)


def _blind(change: Callable[[Any], Any]) -> Change:
    """Return a change of `CallIdentity.__init__`: arguments are changed before it sees them."""

    def changed(init: Function) -> Function:
        def initialize(self: Any, task: str, arguments: Mapping[str, Any]) -> None:
            init(self, task, {name: change(value) for name, value in arguments.items()})
            # What the function is called with stays as it is.
            self.arguments = arguments

        return initialize

    return changed


def _is_number(value: Any) -> bool:
    return isinstance(value, bool | int | float)


@bug("names of calls lack the hash: two calls have one name", "_naming.default_base:default_base")
def _without_hash(default_base: Function) -> Function:
    return lambda *args, **kwargs: default_base(*args, **kwargs).partition("~")[0] or "_"


@bug(
    "the identity ignores types: 1, 1.0 and True are one",
    "_identity.call_identity:CallIdentity.__init__",
)
def _without_types(init: Function) -> Function:
    as_float = lambda value: float(value) if _is_number(value) else value
    return _blind(lambda value: _with_changed(value, as_float))(init)


@bug("the identity ignores the kind of a sequence", "_identity.call_identity:CallIdentity.__init__")
def _without_kind_of_sequence(init: Function) -> Function:
    return _blind(lambda value: list(value) if type(value) is tuple else value)(init)


@bug("the identity ignores the sign of zero", "_identity.call_identity:CallIdentity.__init__")
def _without_sign_of_zero(init: Function) -> Function:
    unsigned = lambda value: abs(value) if type(value) is float and not value else value
    return _blind(lambda value: _with_changed(value, unsigned))(init)


@bug("the identity takes NaN for zero", "_identity.call_identity:CallIdentity.__init__")
def _nan_for_zero(init: Function) -> Function:
    change = lambda value: 0.0 if type(value) is float and value != value else value  # noqa: PLR0124
    return _blind(lambda value: _with_changed(value, change))(init)


@bug("the digest of a value is never the same", "_identity.content_hash:digest")
def _never_the_same(_: Function) -> Function:
    return lambda value: os.urandom(16)


@bug("the identity ignores the order of a dict", "_identity.call_identity:CallIdentity.__init__")
def _without_order(init: Function) -> Function:
    def in_order(value: Any) -> Any:
        return dict(sorted(value.items(), key=repr)) if type(value) is dict else value

    return _blind(in_order)(init)


@bug("the digest of a text changes from process to process", "_identity.parts:text_leaf")
def _text_by_hash(text_leaf: Function) -> Function:
    return lambda tag, text: text_leaf(tag, str(hash(text)))


@bug("the digest of a set follows its order", "_identity.container_parts:in_order")
def _set_in_its_order(_: Function) -> Function:
    return list


@bug(
    "an Item's base is taken over although it was made from arguments", "_values.item:Item.__init__"
)
def _made_base_is_taken_over(init: Function) -> Function:
    def initialize(
        self: Any, store: Any, target: str, base: str | None = None, version: str | None = None
    ) -> None:
        name = target.rpartition("/")[2]
        init(self, store, target, name.partition("~")[0] if base is None else base, version)

    return initialize


@bug("an argument beside an Item is left out of the name", "_naming.default_base:default_base")
def _only_the_item_counts(default_base: Function) -> Function:
    def changed(arguments: Mapping[str, Any], *args: Any, **kwargs: Any) -> Any:
        from prefectx._values.item import is_item

        items = {name: value for name, value in arguments.items() if is_item(value)}
        return default_base(items or arguments, *args, **kwargs)

    return changed


@bug(
    "a write is torn: no other file that is renamed when it is whole",
    "stores.folders.atomic:WholeFiles.write",
)
def _torn(_: Function) -> Function:
    def write(self: Any, folder: str, path: str, dump: Any, note: Any) -> None:
        if note is not None:
            note.keep_beside()
        with open(f"{folder}/{os.path.basename(path)}", "wb") as torn:
            dump(torn)

    return write


@bug("an unfinished file counts as the target", "stores.folders.local:LocalFolder.exists")
def _unfinished_counts(exists: Function) -> Function:
    def changed(self: Any, name: str) -> bool:
        import glob

        folder = os.path.dirname(self.path(name))
        return exists(self, name) or bool(glob.glob(f"{folder}/.prefectx-*.tmp"))

    return changed


@bug("two threads know of one another that a task is under way", "_calls.here:in_task")
def _known_to_all_threads(in_task: Function) -> Function:
    seen: list[bool] = []

    def changed() -> bool:
        seen.append(in_task())
        return any(seen[-2:])

    return changed


@bug("what cannot be read gives None", "stores.messages:Explained.__exit__")
def _unreadable_is_none(_: Function) -> Function:
    return lambda self, kind, error, traceback: isinstance(error, Exception)


@bug("loads share one object, kept in memory", "stores.file:Filestore._decoded")
def _shared_loads(decoded: Function) -> Function:
    seen: dict[Any, Any] = {}

    def changed(self: Any, target: str, file: Any) -> Any:
        try:
            key = (self.path(target), os.stat(self.path(target)).st_mtime_ns)
        except OSError:
            return decoded(self, target, file)
        if key not in seen:
            seen[key] = decoded(self, target, file)
        return seen[key]

    return changed


@bug("deleting does not delete", "stores.file:Filestore.delete")
def _never_deleted(_: Function) -> Function:
    return lambda self, target: None


@bug("line ends change in a text", "stores.formats.text:_dump_text")
def _other_line_ends(dump: Function) -> Function:
    def changed(value: Any, file: Any) -> None:
        dump(value.replace("\r\n", "\n") if type(value) is str else value, file)

    return changed


@bug("None is lost: a hit on it gives the Item inside a task", "_calls.execute:output_at")
def _none_is_lost(given: Function) -> Function:
    def changed(item: Any) -> Any:
        found = given(item)
        return item if found is None else found

    return changed


@bug("None never counts as done", "_calls.execute:_keep")
def _none_is_never_kept(keep: Function) -> Function:
    return lambda call, value, *args: None if value is None else keep(call, value, *args)


@bug("a task that calls a task is given an Item", "_calls.execute:in_task")
def _items_within_tasks(_: Function) -> Function:
    return lambda: False


@bug("Items given by name are not loaded", "_calls.execute:execute")
def _named_items_stay(execute: Function) -> Function:
    def changed(task: Any, args: Any, kwargs: Any) -> Any:
        if not kwargs or task.is_async:
            return execute(task, args, kwargs)
        from prefectx._values.item import load_items

        return task.fn(*load_items(args), **kwargs)

    return changed


@bug("rerun_on is ignored", "_calls.freshness:_is_stale")
def _never_stale(_: Function) -> Function:
    return lambda call, record: False


@bug("of an Item among the inputs, only the name is compared", "_identity.input_hash:_contents")
def _only_the_target(contents: Function) -> Function:
    def changed(value: Any) -> Any:
        found = contents(value)
        return found if found is value else value.target

    return changed


@bug("a target is taken over from an Item of the same base", "_calls.freshness:_check_base")
def _unchecked_base(_: Function) -> Function:
    return lambda call, item, record: None


@bug("a target that another task has made counts", "_calls.freshness:_check_maker")
def _unchecked_maker(_: Function) -> Function:
    return lambda call, item, record: None


@bug("collisions are not looked for", "_calls.run:Run.claim")
def _no_collisions(_: Function) -> Function:
    return lambda self, item, claim: True


@bug("a known hit gives what another call has claimed", "_calls.run:TaskClaims.version_of_hit")
def _found_by_name(_: Function) -> Function:
    return lambda self, item, text: "" if item.exists() else None


@bug("the mode is looked up only once", "_settings.mode:current_mode")
def _first_mode_for_ever(current_mode: Function) -> Function:
    modes: list[Any] = []

    def changed() -> Any:
        modes.append(current_mode())
        return modes[0]

    return changed


@bug("a list of futures gives its results in the wrong order", "_values.future:FutureList.result")
def _backwards(result: Function) -> Function:
    return lambda self, *args, **kwargs: result(self, *args, **kwargs)[::-1]


@bug("the wrong futures among the arguments are resolved", "_runners.local:_settle_one")
def _wrong_futures(result_of: Function) -> Function:
    from prefectx._values.handles import is_future_list

    def changed(value: Any) -> Any:
        if is_future_list(value) and value:
            return [result_of(value[0]) for _ in value]
        return result_of(value)

    return changed


@bug("what waits for a failed future runs all the same", "_runners.local:_settle_arguments")
def _failures_are_passed_over(settled: Function) -> Function:
    def changed(args: Any, kwargs: Any, wait_for: Any) -> Any:
        return settled(args, kwargs, None)

    return changed


# What a call, its data, its code and its files are: each of these takes a part of that away.


@bug("an Item loads whatever lies at its target", "_values.item:Item.note_version")
def _any_version(_: Function) -> Function:
    return lambda self, version: self


@bug("any record has an Item's version", "stores.versions:_has_version")
def _every_version(_: Function) -> Function:
    return lambda record, version: True


@bug("a link to another file of the same time is not seen", "_identity.file_fingerprint:_mark_of")
def _time_alone(_: Function) -> Function:
    return lambda status: b"%d" % max(status.st_mtime_ns, status.st_ctime_ns)


@bug(
    "attributes that are set on functions are no code", "_identity.code_hash:attributes_of_function"
)
def _no_attributes_of_functions(_: Function) -> Function:
    return lambda fn: {}


@bug("classes that are registered are no code", "_identity.code_hash:registered_with")
def _no_registered_classes(_: Function) -> Function:
    return lambda kind: []


@bug("classes that `__subclasses__` finds are no code", "_identity.code_hash:derived_classes")
def _no_derived_classes(_: Function) -> Function:
    return lambda kind: []


@bug("docstrings that are read are no code", "_identity.code_hash:texts_read")
def _no_docstrings(_: Function) -> Function:
    return lambda used, seen: iter(())


@bug("what code only reads of a dict is no code", "_identity.reads:Root.only_read")
def _no_reads(_: Function) -> Function:
    return lambda self: iter(())


@bug("attributes that are set on frames do not count", "_identity.frames:_set_by_others")
def _no_attributes_of_frames(_: Function) -> Function:
    return lambda value: {}


@bug("what a closure holds is no code", "_identity.code_hash:content_of")
def _no_closures(_: Function) -> Function:
    return lambda cell: []


@bug("large values are compared by their beginning", "_identity.parts:leaf")
def _by_the_beginning(leaf: Function) -> Function:
    return lambda tag, content: leaf(tag, bytes(content)[:1000])


@bug("arrays are compared by their first piece", "_identity.arrays:buffers_of")
def _by_the_first_piece(buffers_of: Function) -> Function:
    def changed(array: Any) -> Any:
        for buffer in buffers_of(array):
            yield buffer[:1000]

    return changed


@bug("of an exception its members in C do not count", "_identity.built_in_types:members_of")
def _no_members(_: Function) -> Function:
    return lambda error: {}


@bug("of an object its attributes do not count", "_identity.built_in_types:attributes_of")
def _no_attributes(_: Function) -> Function:
    return lambda value: {}


@bug("classes made in a function count by name", "_identity.classes:importable_name")
def _classes_by_name(_: Function) -> Function:
    return lambda kind: f"{kind.__module__}.{kind.__qualname__}"


@bug("the columns of a frame do not count", "_identity.frames:_columns")
def _no_columns(_: Function) -> Function:
    return lambda frame: []
