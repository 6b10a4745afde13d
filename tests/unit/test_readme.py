"""The code in README and the pages below `docs`: it runs, and gives what they say it gives.

A comment just above a block says how, as in `<!-- test: prefect -->`:

- Python: a file of its own, run in the modes `function` and `cache`. What it prints must be what
  its comments `#> …` say. `prefect`: in all modes, with a server. `pytest`: by pytest, in the
  modes `function` and `cache`; `pytest prefect`: in all modes. `file NAME`: saved under that name
  for the page's console blocks.
- Console: the lines after `$ ` are run in one folder a page, one after the other, and must give
  the lines below them, in which `...` stands for anything. `prefect`: with a server. `by hand`:
  not run, for it installs something or takes too long.
"""

from __future__ import annotations

import doctest
import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest
from patience import PATIENCE
from quick_pytest import ADDOPTS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_prefectx.server.client import PrefectServer

ROOT: Final = Path(__file__).parents[2]
PAGES: Final = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
PLAIN: Final = ("function", "cache")
PREFECT: Final = ("prefect.skip", "prefect.cache", "prefect")
WAYS: Final = {
    "python": re.compile(r"prefect|pytest|pytest prefect|file \S+|"),
    "console": re.compile(r"prefect|by hand|"),
}

BLOCK: Final = re.compile(r"(?ms)(?:<!-- test: (.*?) -->\n+)?^```(\w*)\n(.*?)^```$")
LINE: Final = re.compile(r"(?m)^\$ (.*)\n((?:[^$].*\n|\n)*)")

SUMMARY: Final = re.compile(r"prefectx: \w+ (done|failed) ")

# What differs from run to run or says nothing: times, names of runs, hashes, pytest's padding.
FLEETING: Final = {
    r"\d\d:\d\d:\d\d\.\d{3}": "TIME",
    r"(?i)flow run '[a-z]+(-[a-z]+)+'": "flow run 'NAME'",
    r"'(\w+)-[0-9a-f]{3}'": r"'\1-ID'",
    r"\d+\.\d+ ?s\b( \(\d+:\d\d:\d\d\))?": "TIME",
    r"~[0-9a-f]{8,16}\b": "~HASH",
    r"={3,}": "===",
}


@dataclass(frozen=True)
class Block:
    page: Path
    line: int
    language: str
    way: str
    text: str

    def __str__(self) -> str:
        return f"{self.page.name}:{self.line}"


def blocks(page: Path) -> Iterator[Block]:
    text = page.read_text(encoding="utf-8")
    for match in BLOCK.finditer(text):
        way, language, content = match.groups()
        line = text.count("\n", 0, match.start(3))
        yield Block(page, line, language, way or "", content)


BLOCKS: Final = [block for page in PAGES for block in blocks(page)]


def python(*ways: str) -> list[Block]:
    return [block for block in BLOCKS if block.language == "python" and block.way in ways]


def pages(way: str) -> list[Path]:
    """Return the pages that have a console block of this way."""
    wanted = {block.page for block in BLOCKS if block.language == "console" and block.way == way}
    return [page for page in PAGES if page in wanted]


def without_prefect() -> list[Path]:
    """Return the pages whose console blocks all need no Prefect."""
    with_prefect = pages("prefect")
    return [page for page in pages("") if page not in with_prefect]


def name_of(value: object) -> str:
    return value.name if isinstance(value, Path) else str(value)


def run(command: list[str] | str, folder: Path, **variables: str) -> tuple[str, str]:
    """Run a command as a reader would, without this session's variables.

    Returns:
        What it wrote to standard output and to standard error; of a line for the shell, which may
        fail, both together.
    """
    ours = ("PREFECTX", "PYTEST_", "COV_")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    path = os.pathsep.join([os.path.dirname(sys.executable), os.environ["PATH"]])
    is_line = isinstance(command, str)
    # pytest-asyncio, if it is there, asks for a setting before anything else.
    ours_instead = {
        "COLUMNS": "80",
        "PYTHONUNBUFFERED": "1",
        "PYTEST_ADDOPTS": f"{ADDOPTS} -p no:asyncio",
    }
    if not is_line:
        # What a script says of its flows says how long each took.
        ours_instead["PREFECTX_SUMMARY"] = "off"
    done = subprocess.run(
        command,
        cwd=folder,
        env={**kept, **ours_instead, **variables, "PATH": path},
        shell=is_line,
        check=False,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT if is_line else subprocess.PIPE,
        encoding="utf-8",
        timeout=PATIENCE,
    )
    if done.returncode and not is_line:
        said = f"{done.stdout}{done.stderr}"
        pytest.fail(f"{command} ended with {done.returncode}:\n{said}", pytrace=False)
    return done.stdout, done.stderr or ""


def run_script(block: Block, mode: str, folder: Path, *options: str) -> str:
    """Run a block as a file, compare what it prints, return what it wrote to standard error."""
    script = folder / "block.py"
    script.write_text(block.text, encoding="utf-8")
    printed, errors = run([sys.executable, *options, script.name], folder, PREFECTX=mode)
    if told := "".join(re.findall(r"#> (.*\n)", block.text)):
        compare(str(block), told, printed)
    return errors


def run_tests(block: Block, modes: str, folder: Path) -> None:
    (folder / "test_block.py").write_text(block.text, encoding="utf-8")
    run([sys.executable, "-m", "pytest", f"--prefectx-mode={modes}"], folder)


def run_console(page: Path, ways: tuple[str, ...], folder: Path) -> None:
    for block in blocks(page):
        if block.way.startswith("file "):
            (folder / block.way.removeprefix("file ")).write_text(block.text, encoding="utf-8")
        elif block.language == "console" and block.way in ways:
            for command, told in LINE.findall(block.text):
                # Where a page leaves out what flows say at their end, so does the run.
                summary = "on" if SUMMARY.search(told) else "off"
                given, _ = run(command, folder, PREFECTX_SUMMARY=summary)
                compare(f"{block}: {command}", told, given)


def compare(source: str, told: str, given: str) -> None:
    told, given = steady(told), steady(given)
    flags = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
    if not doctest.OutputChecker().check_output(told, given, flags):
        pytest.fail(f"{source}\nis said to give:\n{told}\nbut gives:\n{given}", pytrace=False)


def steady(text: str) -> str:
    for pattern, name in FLEETING.items():
        text = re.sub(pattern, name, text)
    return text


@pytest.mark.parametrize("block", BLOCKS, ids=name_of)
def test_every_block_says_how_it_is_run(block: Block) -> None:
    """No block is left out by a misspelt comment or language."""
    assert block.language in {*WAYS, "text", "ini", "toml", "mermaid"}
    assert WAYS.get(block.language, re.compile("")).fullmatch(block.way)


@pytest.mark.parametrize("mode", PLAIN)
@pytest.mark.parametrize("block", python(""), ids=name_of)
def test_scripts_print_what_they_say_without_prefect(
    block: Block, mode: str, tmp_path: Path
) -> None:
    assert run_script(block, mode, tmp_path, "-Werror") == ""


@pytest.mark.nightly("prefect.cache", "prefect")
@pytest.mark.parametrize("mode", [*PLAIN, *PREFECT])
@pytest.mark.parametrize("block", python("prefect"), ids=name_of)
def test_scripts_print_what_they_say_in_every_mode(
    block: Block, mode: str, tmp_path: Path, prefect_server: PrefectServer
) -> None:
    run_script(block, mode, tmp_path)


@pytest.mark.parametrize("block", python("pytest"), ids=name_of)
def test_tests_on_the_page_pass_without_prefect(block: Block, tmp_path: Path) -> None:
    run_tests(block, ",".join(PLAIN), tmp_path)


@pytest.mark.parametrize("block", python("pytest prefect"), ids=name_of)
def test_tests_on_the_page_pass_in_every_mode(
    block: Block, tmp_path: Path, prefect_server: PrefectServer
) -> None:
    run_tests(block, "all", tmp_path)


@pytest.mark.parametrize("page", without_prefect(), ids=name_of)
def test_commands_print_what_the_page_says(page: Path, tmp_path: Path) -> None:
    run_console(page, ("",), tmp_path)


@pytest.mark.parametrize("page", pages("prefect"), ids=name_of)
def test_commands_print_what_the_page_says_in_the_prefect_modes_too(
    page: Path, tmp_path: Path, prefect_server: PrefectServer
) -> None:
    run_console(page, ("", "prefect"), tmp_path)
