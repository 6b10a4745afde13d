"""Bugs that prefectx could have, one at a time, as changes of its code."""

from __future__ import annotations

from typing import NamedTuple


class Mutant(NamedTuple):
    """A bug.

    Attributes:
        name: What is wrong.
        file: The file to change, within `prefectx`.
        before: The code as it is, which is there exactly once.
        after: The code with the bug.
    """

    name: str
    file: str
    before: str
    after: str

    def planted_in(self, source: str) -> str:
        """Return the source with the bug in it."""
        found = source.count(self.before)
        if found != 1:
            msg = (
                f"the mutant {self.name!r} is out of date: {self.before!r} is in"
                f" prefectx/{self.file} {found} times, not once. Write it anew for the code as it"
                " is now."
            )
            raise ValueError(msg)
        return source.replace(self.before, self.after)


MUTANTS = [
    Mutant(
        "the names of calls lack the hash: their keys collide",
        "base.py",
        'return f"{name}~{_hash(whole)[: 8 if is_exact and name == text else 16]}"',
        "return name",
    ),
    Mutant(
        "the digest ignores types: 1, 1.0 and True are one",
        "digest.py",
        "self._tagged(hasher, kind.__name__, _plain_text(value).encode())",
        'self._tagged(hasher, "number", str(hash(value)).encode())',
    ),
    Mutant(
        "the digest ignores the kind of a sequence",
        "digest.py",
        "self._feed_all(hasher, kind.__name__, value)",
        'self._feed_all(hasher, "sequence", value)',
    ),
    Mutant(
        "the digest ignores the sign of zero",
        "digest.py",
        "else repr(value)\n",
        "else repr(value or type(value)())\n",
    ),
    Mutant(
        "the digest takes NaN for zero",
        "digest.py",
        "else repr(value)\n",
        "else repr(value if value == value else 0.0)\n",
    ),
    Mutant(
        "the digest of NaN is never the same",
        "digest.py",
        "else repr(value)\n",
        "else (repr(value) if value == value else repr(object()))\n",
    ),
    Mutant(
        "the digest ignores the order of a dict",
        "digest.py",
        "[part for pair in value.items() for part in pair]",
        "[part for pair in sorted(value.items(), key=repr) for part in pair]",
    ),
    Mutant(
        "the digest of a text changes from process to process",
        "digest.py",
        'self._tagged(hasher, "str", value.encode("utf-8", "surrogatepass"))',
        'self._tagged(hasher, "str", str(hash(value)).encode())',
    ),
    Mutant(
        "the digest of a set follows its order",
        "digest.py",
        "parts = sorted(self.of(element) for element in value)",
        "parts = [self.of(element) for element in value]",
    ),
    Mutant(
        "an Item's base is taken over although it was made from arguments",
        "base.py",
        "key not in defaults and is_item(value) and value.has_given_base",
        "key not in defaults and is_item(value)",
    ),
    Mutant(
        "an Item's base is taken over although there are other arguments",
        "base.py",
        "if len(told) == 1 and (name := _given_name(*told[0], defaults)):",
        "if told and (name := _given_name(*told[0], defaults)):",
    ),
    Mutant(
        "a write is torn: no other file that is renamed when it is whole",
        "stores/places/whole.py",
        "        descriptor = nameless(folder)\n",
        '        with open(path, "wb") as torn:\n'
        "            dump(torn)\n"
        "            return False\n"
        "        descriptor = nameless(folder)\n",
    ),
    Mutant(
        "what a failed write has left becomes the target",
        "stores/places/whole.py",
        "            is_noted = self._fill(opened_path(descriptor), descriptor, dump, note)\n",
        "            try:\n"
        "                is_noted = self._fill(opened_path(descriptor), descriptor, dump, note)\n"
        "            except BaseException:\n"
        "                os.replace(named(descriptor, folder, path) or path, path)\n"
        "                raise\n",
    ),
    Mutant(
        "an unfinished file counts as the target",
        "stores/places/local.py",
        "    except (FileNotFoundError, NotADirectoryError):\n        return False\n",
        "    except (FileNotFoundError, NotADirectoryError):\n"
        "        import glob\n\n"
        "        folder = os.path.dirname(path) or '.'\n"
        "        return bool(glob.glob(f'{folder}/{RESERVED}-*.tmp'))\n",
    ),
    Mutant(
        "unfinished files are listed as targets",
        "stores/places/local.py",
        "if not name.startswith(RESERVED) and target.startswith(prefix):",
        "if target.startswith(prefix):",
    ),
    Mutant(
        "two threads know of one another that a task is under way",
        "run.py",
        'inside_task: ContextVar[bool] = ContextVar("prefectx_in_task", default=False)\n',
        "class _Shared:\n"
        "    now = False\n"
        "    def get(self): return self.now\n"
        "    def set(self, now): before, self.now = self.now, now; return before\n"
        "    def reset(self, before): self.now = before\n"
        "inside_task = _Shared()\n",
    ),
    Mutant(
        "what cannot be read gives None",
        "stores/reading.py",
        "        raise self._corrupt(error) from error\n",
        "        return True\n",
    ),
    Mutant(
        "loads share one object, kept in memory",
        "stores/file.py",
        "            return form.load(file)\n",
        "            seen = self.__dict__.setdefault('seen', {})\n"
        "            key = (self.path(target), os.fstat(file.fileno()).st_mtime_ns)\n"
        "            if key not in seen:\n"
        "                seen[key] = form.load(file)\n"
        "            return seen[key]\n",
    ),
    Mutant(
        "deleting does not delete",
        "stores/file.py",
        "        self._place.delete(target)\n",
        "",
    ),
    Mutant(
        "line ends change in a text",
        "stores/formats/plain.py",
        "    return file.read().decode()\n",
        '    return file.read().decode().replace("\\r\\n", "\\n")\n',
    ),
    Mutant(
        "JSON is written although it changes the value",
        "stores/formats/plain.py",
        '        _check_json(value, "value")\n',
        "",
    ),
    Mutant(
        "None is lost: a hit on it gives the Item inside a task",
        "call.py",
        "return self.item.load()",
        "return self.item.load() or self.item",
    ),
    Mutant(
        "None never counts as done",
        "call.py",
        "            if self.task.rerun_on:\n",
        "            if value is None:\n"
        "                return None\n"
        "            if self.task.rerun_on:\n",
    ),
    Mutant(
        "a task that calls a task is given an Item",
        "call.py",
        "return value if in_task() else self.item",
        "return self.item",
    ),
    Mutant(
        "Items given by name are not loaded",
        "call.py",
        "args, kwargs = load_items(args), load_items(kwargs)",
        "args = load_items(args)",
    ),
    Mutant(
        "an exception is swallowed",
        "call.py",
        "            self.item.store.discard(self.item.target)\n",
        "            self.item.store.discard(self.item.target)\n            return True\n",
    ),
    Mutant(
        "what a failed function has written counts as done",
        "call.py",
        "            self.item.store.discard(self.item.target)\n",
        "            pass\n",
    ),
    Mutant(
        "rerun_on is ignored",
        "call.py",
        "if self.task.rerun_on and self._staleness(self.task.rerun_on):",
        "if False:",
    ),
    Mutant(
        "of an Item among the inputs, only the name is compared",
        "records.py",
        "return (value.target, value.store.digest(value.target))",
        "return (value.target, b'')",
    ),
    Mutant(
        "collisions are not looked for",
        "run.py",
        "        if not is_same_call(other, claim):\n",
        "        if False:\n",
    ),
    Mutant(
        "a plain hit gives what another call has claimed",
        "run.py",
        "if self.claims.setdefault(target, claim) != claim or not self._exists(target):",
        "if not self._exists(target):",
    ),
    Mutant(
        "plain arguments are told apart without their types",
        "plain.py",
        "        bool: repr,\n",
        "        bool: lambda value: repr(int(value)),\n",
    ),
    Mutant(
        "plain arguments are told apart without the sign of zero",
        "plain.py",
        "        float: repr,\n",
        "        float: lambda value: repr(value or 0.0),\n",
    ),
    Mutant(
        "the mode is looked up only once",
        "runners/__init__.py",
        "def current_runner() -> Runner:\n",
        "@functools.cache\ndef current_runner() -> Runner:\n",
    ),
    Mutant(
        "a list of futures gives its results in the wrong order",
        "future.py",
        "return [future.result(timeout, raise_on_failure) for future in self]",
        "return [future.result(timeout, raise_on_failure) for future in self[::-1]]",
    ),
    Mutant(
        "the wrong futures among the arguments are resolved",
        "runners/plain.py",
        "    if is_future_list(value):\n"
        "        return [_result_of(future) for future in value]\n"
        "    if is_future(value) or is_state(value):\n",
        "    if is_future_list(value):\n"
        "        return [_result_of(value[0]) for _ in value]\n"
        "    if is_future(value) or is_state(value):\n",
    ),
    Mutant(
        "wait_for is ignored",
        "runners/plain.py",
        "    if wait_for:\n",
        "    if False:\n",
    ),
    Mutant(
        "what waits for a failed future runs all the same",
        "runners/plain.py",
        "            raise UpstreamFailed(error) from error\n",
        "            return None\n",
    ),
]
