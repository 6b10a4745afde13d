"""The reference names all there is and nothing else: options, errors, variables, formats, names."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

import prefectx
from prefectx import errors, stores
from prefectx._naming.options import FLOW_OPTIONS, TASK_OPTIONS
from prefectx.stores.formats import _OURS

pytestmark = pytest.mark.prefectx("cache")

ROOT: Final = Path(__file__).parents[2]
DOCS: Final = ROOT / "docs"


def page(name: str) -> str:
    return (DOCS / name).read_text(encoding="utf-8")


def rows(name: str) -> list[list[str]]:
    """Return the cells of the tables on a page, but for their heads."""
    lines = [line for line in page(name).splitlines() if line.startswith("| `")]
    return [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in lines]


def first_names(name: str) -> list[str]:
    """Return what stands in backquotes at the start of each row."""
    return [row[0].split("`")[1] for row in rows(name)]


@pytest.mark.parametrize(
    ("column", "options"), [(1, TASK_OPTIONS), (2, FLOW_OPTIONS)], ids=["task", "flow"]
)
def test_the_table_has_each_option_once(column: int, options: frozenset[str]) -> None:
    named = [row[0].strip("`") for row in rows("reference/options.md") if row[column]]
    assert sorted(named) == sorted(options)


def test_each_option_says_what_it_means_its_default_and_where_it_is_used() -> None:
    assert [row for row in rows("reference/options.md") if not all(row[3:])] == []


def test_the_page_of_errors_has_each_error_and_warning_with_its_bases() -> None:
    classes = [kind for kind in vars(errors).values() if isinstance(kind, type)]
    expected = {kind.__name__: builtin_bases(kind) for kind in classes}
    told = {
        row[0].split("`")[1]: set(re.findall(r"`(\w+)`", row[0])[1:])
        for row in rows("reference/errors.md")
    }
    assert told == expected


def builtin_bases(kind: type) -> set[str]:
    if not issubclass(kind, errors.PrefectxError) or kind is errors.PrefectxError:
        return set()
    return {base.__name__ for base in kind.__bases__ if base is not errors.PrefectxError}


def test_the_page_of_variables_has_each_variable_that_the_code_reads() -> None:
    sources = [*(ROOT / "prefectx").rglob("*.py"), *(ROOT / "pytest_prefectx").rglob("*.py")]
    text = "\n".join(source.read_text(encoding="utf-8") for source in sources)
    read = set(re.findall(r"""["'](PREFECTX(?:_[A-Z_]+)?)["']""", text))
    assert sorted(first_names("reference/environment.md")) == sorted(read)


def test_the_page_of_formats_has_each_suffix() -> None:
    suffixes = re.findall(r"`(\.[a-z.]+)`(?=[^|]* \| )", "\n".join(
        line.split(" | ")[0] + " | " for line in page("reference/formats.md").splitlines()
        if line.startswith("| ")
    ))  # fmt: skip
    assert sorted(suffixes) == sorted(_OURS)


def test_the_page_of_the_api_has_each_public_name() -> None:
    told = set(re.findall(r"(?m)^::: prefectx\.(\S+)$", page("reference/api.md")))
    names = {*prefectx.__all__, *(f"stores.{name}" for name in stores.__all__)}
    assert names - told - {"task", "flow"} == set()


def test_the_page_of_the_command_line_has_each_command() -> None:
    told = re.findall(r"(?m)^\| `prefectx (\w+)", page("reference/cli.md"))
    done = subprocess.run(
        [sys.executable, "-m", "prefectx.cli", "--help"], capture_output=True, text=True, check=True
    )
    assert sorted(told) == sorted(re.findall(r"(?m)^    (\w+)(?: |$)", done.stdout))


PAGES: Final = sorted(DOCS.rglob("*.md"))


def links(source: Path) -> set[Path]:
    text = source.read_text(encoding="utf-8")
    found = re.findall(r"\]\(([^)#:]+\.md)(?:#[^)]*)?\)", text)
    return {(source.parent / link).resolve() for link in found}


@pytest.mark.parametrize("source", [ROOT / "README.md", *PAGES], ids=lambda path: path.name)
def test_each_link_to_a_page_leads_to_one(source: Path) -> None:
    assert [link for link in links(source) if not link.exists()] == []


def test_the_index_links_to_every_page() -> None:
    """The pages of single reasons are linked by the page of all."""
    reached = links(DOCS / "index.md") | links(DOCS / "reference/reasons.md")
    assert [str(path) for path in PAGES if path not in reached and path.name != "index.md"] == []


def test_the_navigation_has_every_page() -> None:
    told = re.findall(r"(?m)(\S+\.md)$", (ROOT / "mkdocs.yml").read_text(encoding="utf-8"))
    assert sorted(told) == [str(path.relative_to(DOCS)) for path in sorted(PAGES, key=str)]


def test_the_picture_of_the_packages_is_as_the_imports_are() -> None:
    """`python tools/architecture.py` draws it anew."""
    script = ROOT / "tools" / "architecture.py"
    done = subprocess.run([sys.executable, str(script), "--check"], check=False)
    assert done.returncode == 0
