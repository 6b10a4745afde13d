"""What a task only reads of lists, dicts and objects of its modules counts; a cache does not."""

from __future__ import annotations

import importlib
import sys
import types
from typing import TYPE_CHECKING, Any

import pytest

from prefectx import load, task
from prefectx._identity.code_hash import Code, code_fingerprints
from prefectx.errors import StaleTarget

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pytest_prefectx import Targets


HOLDER = "class C:\n    def __init__(self, d): self.d = d\n"
BY_RATE = "def t(x): return x * c.rate"

# What a program reads when it starts, and a function `t` that uses it.
READS: dict[str, tuple[object, object, str]] = {
    "a key": ({"rate": 2}, {"rate": 3}, "def t(x): return x * found['rate']"),
    "a key inside": ({"a": [0, 2]}, {"a": [0, 3]}, "def t(x): return x * found['a'][-1]"),
    "a key that is absent": ({}, {"rate": 3}, "def t(x): return found.get('rate', x)"),
    "a key by its name": ({"rate": 2}, {"rate": 3}, "def t(x): return found[x]"),
    "a membership": ({"a": 1}, {"b": 1}, "def t(x): return x in found"),
    "a type": ({"rate": 1}, {"rate": True}, "def t(x): return repr(found['rate'])"),
    "a loop": ([1, 2], [1, 3], "def t(x):\n    for y in found: x += y\n    return x"),
    "a comprehension": ([{"r": 1}], [{"r": 2}], "def t(x): return [x * y['r'] for y in found]"),
    "an attribute": (
        types.SimpleNamespace(rate=2),
        types.SimpleNamespace(rate=3),
        "def t(x): return x * found.rate",
    ),
    "a method that reads": (
        {"rate": 2},
        {"rate": 3},
        f"{HOLDER}    def rate(self): return self.d['rate']\nc = C(found)\n{BY_RATE}()",
    ),
    "a property": (
        {"rate": 2},
        {"rate": 3},
        f"{HOLDER}    rate = property(lambda self: self.d['rate'])\nc = C(found)\n{BY_RATE}",
    ),
    "a function of the project": (
        {"rate": 2},
        {"rate": 3},
        "def h(x, *, config): return x * config['rate']\ndef t(x): return h(x, config=found)",
    ),
    "a function of a library": ([1], [2], "import json\ndef t(x): return json.dumps(found)"),
    "a variable": (
        {"a": {"rate": 2}},
        {"a": {"rate": 3}},
        "def t(x):\n    section = found['a']\n    return x * section['rate']",
    ),
    "a lambda inside": (
        {"rate": 2},
        {"rate": 3},
        "def t(x): return list(map(lambda y: y * found['rate'], [x]))",
    ),
    "arguments by name": ({"rate": 2}, {"rate": 3}, "def t(x): return dict(**found)"),
    "an attribute of a function": (
        {"rate": 2},
        {"rate": 3},
        "def h(x): return x * h.config['rate']\nh.config = found\ndef t(x): return h(x)",
    ),
    "an attribute of a class": (
        {"rate": 2},
        {"rate": 3},
        "class C:\n    _config = found\ndef t(x): return x * C._config['rate']",
    ),
    "beside a cache": (
        {"rate": 2, "seen": {}},
        {"rate": 3, "seen": {}},
        "def t(x):\n    found['seen'][x] = 1\n    return x * found['rate']",
    ),
}

# Values that functions change: what is in them may be left from another call.
CACHES: dict[str, tuple[object, object, str]] = {
    "a key": ({}, {1: 1}, "def t(x):\n    found[x] = x\n    return found[x]"),
    "a method": ([], [1], "def t(x):\n    found.append(x)\n    return found[-1]"),
    "a key inside": (
        {"a": {}},
        {"a": {1: 1}},
        "def t(x):\n    if x not in found['a']: found['a'][x] = x\n    return found['a'][x]",
    ),
    "an attribute": (
        types.SimpleNamespace(n=0),
        types.SimpleNamespace(n=1),
        "def t(x):\n    found.n += 1\n    return x",
    ),
    "a variable": ({}, {1: 1}, "def t(x):\n    memo = found\n    memo[x] = x\n    return found[x]"),
    "a function of the project": (
        {},
        {1: 1},
        "def keep(memo, x): memo[x] = x\ndef t(x):\n    keep(found, x)\n    return found[x]",
    ),
    "a function of a library": (
        [1],
        [2],
        "import heapq\ndef t(x):\n    heapq.heappush(found, x)\n    return found[0]",
    ),
    "an attribute of a function": (
        {},
        {1: 1},
        "def t(x):\n    t.seen[x] = x\n    return t.seen[x]\nt.seen = found",
    ),
    "an attribute of a class": (
        {},
        {1: 1},
        "class C:\n    _seen = found\ndef t(x):\n    C._seen[x] = x\n    return C._seen[x]",
    ),
    "another helper": (
        {},
        {1: 1},
        "def h(x): found.setdefault(x, x)\ndef t(x):\n    h(x)\n    return found[x]",
    ),
    "an assignment": (
        None,
        [1],
        "def t(x):\n    global found\n    found = found or [x]\n    return found[0]",
    ),
    "elements of a loop": (
        [{"n": 0}],
        [{"n": 1}],
        "def t(x):\n    for each in found: each['n'] += 1\n    return found[0]['n']",
    ),
    "another key": ({"n": 0, "a": 1}, {"n": 5, "a": 1}, "def t(x): return found['a']"),
}


@pytest.fixture
def look(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str, object], Any]:
    """Import a function `t` that uses `found`, which its module is given when it starts."""
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    given = types.ModuleType("given_at_start")
    monkeypatch.setitem(sys.modules, "given_at_start", given)

    def imported(text: str, found: object) -> Any:
        vars(given)["found"] = found
        (tmp_path / "code_that_reads.py").write_text(f"from given_at_start import found\n{text}\n")
        sys.modules.pop("code_that_reads", None)
        importlib.invalidate_caches()
        return importlib.import_module("code_that_reads").t

    return imported


@pytest.mark.parametrize("kind", READS)
def test_what_code_only_reads_counts(look: Any, kind: str) -> None:
    one, other, text = READS[kind]
    assert code_fingerprints(look(text, one)) == code_fingerprints(look(text, one))
    assert code_fingerprints(look(text, one)) != code_fingerprints(look(text, other))


@pytest.mark.parametrize("kind", CACHES)
def test_what_code_changes_does_not_count(look: Any, kind: str) -> None:
    one, other, text = CACHES[kind]
    assert code_fingerprints(look(text, one)) == code_fingerprints(look(text, other))


def test_frames_that_code_only_reads_count(look: Any) -> None:
    pd = pytest.importorskip("pandas")
    frames = [pd.DataFrame({"a": [n]}) for n in (1, 2)]
    reads = "def t(x): return int(found.a.sum()) + x"
    changes = "def t(x):\n    found.loc[0, 'a'] = x\n    return found"
    for text, is_seen in {reads: True, changes: False}.items():
        one, other = (code_fingerprints(look(text, frame)) for frame in frames)
        assert (one != other) is is_seen, text


def test_what_is_no_data_does_not_count(look: Any) -> None:
    """A client or a random generator has another state at each moment."""
    np = pytest.importorskip("numpy")
    generators = [np.random.default_rng(n) for n in (1, 2)]
    one, other = (code_fingerprints(look("def t(x): return found.normal()", g)) for g in generators)
    assert one == other


@pytest.mark.parametrize(
    ("text", "change"),
    [
        ("def t(x): return x * found['rate']", lambda found: found.update(rate=3)),
        ("def t(x): return found.get(x)", lambda found: found.update(rate=3)),
        ("LIMITS = found\ndef t(x): return LIMITS['rate']", lambda found: found.update(rate=3)),
        ("def t(x): return list(found)", lambda found: found.update(other=3)),
        ("class C:\n    d = found\ndef t(x): return C.d['rate']", lambda found: found.clear()),
        ("def h(x): return x * h.d['rate']\nh.d = found\nt = h", lambda found: found.clear()),
    ],
)
def test_a_change_in_place_is_seen_in_the_same_process(look: Any, text: str, change: Any) -> None:
    found = {"rate": 2}
    code = Code(look(text, found))
    assert code.is_current()
    change(found)
    assert not code.is_current()


def test_one_name_is_told_with_its_place(look: Any) -> None:
    found = code_fingerprints(look("def t(x): return found['a'][0].bit_count()", {"a": [2]}))
    assert "code_that_reads.found['a'][0]" in found


SETTINGS: dict[str, int] = {}


@task(target="out/{x}")
def scaled(x: int) -> int:
    return x * SETTINGS["rate"]


@pytest.mark.prefectx("cache")
def test_an_output_made_with_other_settings_is_told(tmp_target: Targets) -> None:
    SETTINGS["rate"] = 2
    assert load(scaled(1)) == 2
    SETTINGS["rate"] = 3
    with pytest.warns(StaleTarget, match="SETTINGS"):
        assert load(scaled(1)) == 2
    assert load(scaled.with_options(rerun_on={"code"})(1)) == 3
    assert tmp_target.runs["scaled"] == 2


def test_a_value_that_goes_through_hundreds_of_functions_is_no_error(look: Any) -> None:
    chain = "".join(f"def h{n}(c): return h{n + 1}(c)\n" for n in range(300))
    text = f"{chain}def h300(c): return c['rate']\ndef t(x): return x * h0(found)"
    assert "code_that_reads.t" in code_fingerprints(look(text, {"rate": 2}))


def test_a_value_that_cannot_be_read_is_no_error(look: Any) -> None:
    class Odd(dict[str, int]):
        def __contains__(self, key: object) -> bool:
            raise RuntimeError(key)

    code = code_fingerprints(look("def t(x): return found['rate']", Odd()))
    assert "code_that_reads.t" in code
