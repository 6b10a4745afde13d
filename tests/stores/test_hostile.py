"""Values as they come from outside: whatever they are, they stay values, and below the folder."""

from __future__ import annotations

import os
import sys
import threading
import unicodedata
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from prefectx import flow, load, task
from prefectx._identity.content_hash import digest
from prefectx._naming.safe_names import why_unsafe_on_windows
from prefectx.errors import TargetCollision, UnsafeTarget, UnsupportedValue
from prefectx.stores import Filestore
from prefectx.stores.formats import _OURS
from pytest_prefectx import Targets, identical

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from pytest_prefectx.fixtures import TargetsFactory

pytestmark = pytest.mark.prefectx("cache")

HOSTILE = [
    *("..", "../", "../../etc/passwd", "a/../../b", "/etc/passwd", "//host/share", "~root/.ssh"),
    *("C:\\Windows\\win.ini", "C:a", "\\\\host\\share", "..\\..\\a", "CON", "nul.txt", "LPT1"),
    *("a\0b", "\0", "a\nb", "\r\n", "\t", "\x7f", "\x1b[2J", "a.", "a ", " a", ".", "...", "-rf"),
    *("😀", "\u202egpj.exe", "\u200b", "\ufeff", "\uff0e\uff0e\uff0fa", "\ud800", "İ", "ß", "SS"),
    *("x" * 10_000, "😀" * 10_000, "a/" * 5_000, "../" * 3_000),
    *("{os.system('touch pwned')}", "{x}", "{{x}}", "{base}", "{x.__class__.__mro__}", "{", "}"),
    *("$(touch pwned)", "`touch pwned`", "; touch pwned", "%s%n", "%2e%2e%2f", "{0!r:>1000}"),
    *("'''", '"""', "\\", "\\N{BELL}", "\\x2e\\x2e", "f'{1}'", "__import__('os')", "lambda: 0"),
    *(".prefectx", ".prefectx/records/out/a.json", "file:///etc/passwd", "s3://bucket/key", ""),
]
texts = (
    st.sampled_from(HOSTILE)
    | st.text()
    | st.lists(st.sampled_from([*HOSTILE, "/", ".", "a"]), max_size=4).map("".join)
)
twins: st.SearchStrategy[Callable[[str], str]] = st.sampled_from(
    [str.upper, str.casefold, str.strip, lambda text: text + ".", lambda text: text + "/"]
    + [
        lambda text, form=form: unicodedata.normalize(form, text)
        for form in ("NFC", "NFD", "NFKC", "NFKD")
    ]
)


@task(target="out/{x}")
def one(x: object) -> object:
    return x


TEMPLATES = [
    *("out/{x}", "out/{x}.json", "out/a{x}b", "out/{x}/b", "out/{x!r}", "out/{x!s:>5}"),
    *("out/{base}", "out/{base[:8]}", "out/{os.path.basename(str(x))}", "{x}", "{funcname}/{x}"),
]
TASKS = {template: one.with_options(target=template) for template in TEMPLATES}

DANGEROUS = {
    *("os.system", "os.exec", "os.fork", "os.posix_spawn", "subprocess.Popen", "exec", "compile"),
    "pickle.find_class",
}
TOUCHING = {
    *("open", "os.remove", "os.rename", "os.mkdir", "os.rmdir", "os.truncate", "os.link"),
    *("os.symlink", "os.chmod", "os.utime", "os.listdir", "os.scandir", "shutil.rmtree"),
}
_seen: list[list[tuple[str, tuple[Any, ...]]]] = []
# Other threads may be at work, such as those of a cluster that other tests have started.
_watched: list[int] = []


def _note(event: str, arguments: tuple[Any, ...]) -> None:
    if _seen and event in DANGEROUS | TOUCHING and threading.get_ident() == _watched[0]:
        _seen[-1].append((event, arguments))


@pytest.fixture(scope="module", autouse=True)
def _hook(tmp_path_factory: pytest.TempPathFactory) -> None:
    # The end of a value may pick a format. What that imports at its first use, from outside of
    # the folder, is imported here.
    store = Filestore(tmp_path_factory.mktemp("formats"))
    for suffix in _OURS:
        with suppress(UnsupportedValue):
            store.save(f"a{suffix}", "warm")
            store.load(f"a{suffix}")
    # It cannot be taken away again, but is nearly free while nothing is watched.
    sys.addaudithook(_note)


@contextmanager
def watched() -> Generator[list[tuple[str, tuple[Any, ...]]]]:
    """Give what Python is asked to do to files and with code within the block."""
    _watched[:] = [threading.get_ident()]
    _seen.append([])
    try:
        yield _seen[-1]
    finally:
        _seen.pop()


def is_dangerous(event: str, about: tuple[Any, ...]) -> bool:
    # Modules may be imported late; a value's code would come from no file.
    source = getattr(about[0], "co_filename", about[-1]) if about else None
    return event in DANGEROUS and not str(source).endswith(".py")


def below(path: object, folder: Path) -> bool:
    if not isinstance(path, str | bytes | os.PathLike):
        return True  # an open file's number
    return Path(os.path.abspath(os.fsdecode(path))).is_relative_to(folder)


@given(value=texts, template=st.sampled_from(TEMPLATES))
@settings(deadline=None, max_examples=400)
def test_no_file_outside_the_folder_is_touched_and_no_value_is_evaluated(
    value: str, template: str, tmp_target_factory: TargetsFactory
) -> None:
    hostile = TASKS[template]
    with tmp_target_factory() as target, pytest.MonkeyPatch.context() as patch:
        patch.delenv("PREFECTX_RUNS_LOG")  # by which the plugin counts runs
        # Whatever is imported, and compiled from the task's signature, on first use.
        digest("long or strange arguments ask for it")
        load(hostile("warm"))
        hostile.item("warm").delete()
        with watched() as events:
            try:
                for _ in range(2):
                    assert load(hostile(value)) == value
                hostile.item(value).delete()
            except UnsafeTarget:
                pass
            except UnsupportedValue:
                return  # of a value like ".parquet", a suffix whose format keeps no texts
        folder = target.path
        assert [(event, about) for event, about in events if is_dangerous(event, about)] == []
        inside = [folder / name for name in ("out", "one", ".prefectx")]
        if template == "{x}":
            inside = [folder]
        for event, arguments in events:
            paths = arguments[:2] if event in {"os.rename", "os.link"} else arguments[:1]
            for path in paths:
                if str(path).startswith("/proc/self/fd/"):
                    continue  # an open file's number, too
                if "/" not in str(path) and path != "..":
                    continue  # one step on the way, from a folder that is open
                assert any(below(path, start) for start in inside) or Path(path) == folder, (
                    event,
                    path,
                )
        assert not list(folder.rglob("pwned"))
        assert target.items() == []


@st.composite
def several(draw: st.DrawFn) -> list[Any]:
    first = draw(texts | st.integers() | st.floats() | st.booleans() | st.none())
    others: list[Callable[[Any], Any]] = [
        str,
        repr,
        lambda value: draw(texts),
        lambda value: draw(twins)(str(value)),
    ]
    return [first, *(draw(st.sampled_from(others))(first) for _ in range(2))]


@given(values=several(), template=st.sampled_from(TEMPLATES))
@settings(deadline=None, max_examples=400)
def test_two_different_values_never_share_a_target_silently(
    values: list[Any], template: str, tmp_target_factory: TargetsFactory
) -> None:
    hostile = TASKS[template]

    @flow
    def each() -> list[Any]:
        return [hostile(value) for value in values]

    with tmp_target_factory():
        try:
            given = load(each())
        except (UnsafeTarget, TargetCollision, UnsupportedValue):
            return
        assert identical(given, values)


@pytest.mark.parametrize("value", [value for value in HOSTILE if value])
def test_a_name_made_from_arguments_takes_any_value(value: str, tmp_target: Targets) -> None:
    plain = one.with_options(target="working/{funcname}/{base}")
    assert load(plain(value)) == value
    (name,) = tmp_target.items()
    assert name.isascii()
    assert name.count("/") == 2


@pytest.mark.parametrize(
    "part",
    [
        *("a:b", "C:", "a\\b", "a<", "a?", "a*", 'a"', "a|", "a\nb", "a.", "a ", "CON", "con.txt"),
        *("LPT9", "nul", "COM1.tar.gz"),
    ],
)
def test_on_windows_its_own_reserved_names_are_refused(part: str) -> None:
    assert why_unsafe_on_windows(part) is not None


@pytest.mark.parametrize("part", ["a", "a.b", ".a", "console", "a b", "ä", "COM", "LPT10"])
def test_on_windows_other_names_are_taken(part: str) -> None:
    assert why_unsafe_on_windows(part) is None
