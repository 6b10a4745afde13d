"""A small project to run pytest in, as one expression.

`example("def test_it(prefectx_mode): pass").run("--prefectx-mode=cache").ends(passed=1)`
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import textwrap
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest
from patience import PATIENCE
from quick_pytest import ADDOPTS, leave_out_hypothesis

from pytest_prefectx.server.server import cache_folder

if TYPE_CHECKING:
    import signal
    from collections.abc import Callable, Generator, Mapping
    from pathlib import Path

INI = "[pytest]\nasyncio_default_fixture_loop_scope = function\n"

# A plugin of each example: tells how many servers the process of pytest has started.
COUNTS_SERVERS = """
def pytest_unconfigure(config):
    if config.pluginmanager.has_plugin("prefectx"):
        from pytest_prefectx.session import SESSION

        print("\\nservers:", int(config.stash[SESSION].server is not None))
"""

# What a user of Prefect has at home: nothing may be added to it, and none of it used.
PROFILE = """
active = "production"

[profiles.production]
PREFECT_API_URL = "http://127.0.0.1:9/api"
PREFECT_API_KEY = "the user's own"
"""

COUNTED = re.compile(r"(\d+) (passed|failed|skipped|error|xfailed|xpassed|deselected|warning)s?\b")


class Example:
    """Files in a fresh folder, with a home, a folder for temporary files and no settings."""

    def __init__(
        self, folder: Path, test_it: str = "", env: Mapping[str, str] | None = None, **files: str
    ) -> None:
        """Write the files.

        Args:
            folder: Where to write them.
            test_it: The contents of the file of tests, for many examples the only one.
            env: Environment variables to set.
            files: Other contents by name, without `.py`; `ini` are lines of the ini file.
        """
        self.folder = folder
        self.python = sys.executable
        self.temporary = folder / "tmp"
        self._profile = folder / "home" / ".prefect" / "profiles.toml"
        self._profile.parent.mkdir(parents=True)
        self._profile.write_text(PROFILE, encoding="utf-8")
        self.temporary.mkdir()
        ini = INI + textwrap.dedent(files.pop("ini", ""))
        (folder / "pytest.ini").write_text(ini, encoding="utf-8")
        self._options = leave_out_hypothesis(test_it, *files.values())
        for name, text in {**files, "test_it": test_it, "counts_servers": COUNTS_SERVERS}.items():
            (folder / f"{name}.py").write_text(textwrap.dedent(text), encoding="utf-8")
        self.environment = _neutral() | {
            "HOME": str(folder / "home"),
            "TMPDIR": str(self.temporary),
            **(env or {}),
        }

    def run(self, *arguments: str, python: tuple[str, ...] = ()) -> Run:
        """Run pytest to its end, and see that nothing is left of what it started or wrote."""
        process = subprocess.run(
            self._command(arguments, python),
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
        run = Run(process.returncode, process.stdout, process.stderr)
        self.sees_nothing_left(run.stdout + run.stderr)
        return run

    @contextmanager
    def start(self, *arguments: str) -> Generator[Started]:
        """Start pytest, for it to be interrupted; kill it in the end if it still runs."""
        with (
            (self.folder / "out").open("w") as out,
            subprocess.Popen(
                self._command(arguments), cwd=self.folder, env=self.environment, stdout=out
            ) as process,
        ):
            try:
                yield Started(self.folder, process)
            finally:
                process.kill()

    def sees_nothing_left(self, said: str = "") -> None:
        """Fail if a temporary file is left, or anything in the home folder has changed."""
        home = [path for path in (self.folder / "home").rglob("*") if path.is_file()]
        left = {*self.temporary.iterdir(), *home} - {self._profile}
        assert not left, f"{left} are left by:\n{said}"
        assert self._profile.read_text() == PROFILE

    def _command(self, arguments: tuple[str, ...], python: tuple[str, ...] = ()) -> list[str]:
        # What tests ask of `tmp_path` is not what the plugin leaves behind.
        elsewhere = f"--basetemp={self.folder / 'base'}"
        plugin = ("-p", "counts_servers")
        started = [self.python, *python, "-m", "pytest", *plugin, *self._options, elsewhere]
        return [*started, *arguments]


class Run:
    """What pytest said and how it ended; each method fails if it was not so."""

    def __init__(self, code: int, stdout: str, stderr: str) -> None:
        self.code = code
        self.stdout = stdout
        self.stderr = stderr.strip()

    def ends(self, **outcomes: int) -> Run:
        """These numbers of tests passed, failed, were skipped (`error=` for errors), no others."""
        lines = [line for line in self.stdout.splitlines() if COUNTED.search(line)]
        found = COUNTED.findall(lines[-1]) if lines else []
        counted = {word: int(number) for number, word in found if word != "warning"}
        assert counted == outcomes, f"{counted}, not {outcomes}:\n{self}"
        return self

    def exits(self, code: int) -> Run:
        """Pytest ended with this exit code."""
        assert self.code == code, f"exit code {self.code}, not {code}:\n{self}"
        return self

    def says(self, *patterns: str) -> Run:
        """Lines that match these, in this order, are in the output."""
        pytest.LineMatcher(self.stdout.splitlines()).fnmatch_lines(patterns)
        return self

    def never_says(self, *patterns: str) -> Run:
        """No line of the output or the errors matches any of these."""
        for pattern in patterns:
            lines = f"{self.stdout}\n{self.stderr}".splitlines()
            pytest.LineMatcher(lines).no_fnmatch_line(pattern)
        return self

    def refuses(self, message: str) -> Run:
        """Pytest ended at its start for bad usage, with this error."""
        assert self.stderr == f"ERROR: {message}", str(self)
        return self.exits(pytest.ExitCode.USAGE_ERROR)

    def lists(self, *names: str) -> Run:
        """These are the items, in the order in which they run (`--collect-only -q`)."""
        lines = self.stdout.splitlines()
        assert [line.partition("::")[2] for line in lines if "::" in line] == [*names], str(self)
        return self

    def starts_servers(self, number: int) -> Run:
        """The process of pytest itself started so many servers."""
        return self.says(f"servers: {number}")

    def __str__(self) -> str:
        return f"{self.stdout}\n{self.stderr}"


class Started:
    """Pytest, while it runs."""

    def __init__(self, folder: Path, process: subprocess.Popen[Any]) -> None:
        self._folder = folder
        self._process = process

    def read(self, name: str) -> str:
        """Return what is in the file that a test is going to put there by renaming."""
        path = self._folder / name
        said = self._folder / "out"
        wait_until(lambda: path.exists() or self._process.poll() is not None)
        assert path.exists(), f"pytest ended before it wrote {name}:\n{said.read_text()}"
        return path.read_text()

    def end(self, number: signal.Signals) -> int:
        """Send the signal and return the exit code."""
        self._process.send_signal(number)
        return self._process.wait(PATIENCE)


def wait_until(condition: Callable[[], bool], timeout: float = PATIENCE) -> None:
    """Wait until `condition` holds."""
    deadline = time.monotonic() + timeout
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.02)


def _neutral() -> dict[str, str]:
    """Return the environment without what this very session put there, or the user set."""
    ours = ("PREFECT", "PYTEST_", "HYPOTHESIS")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    # Migrating a database takes far longer than all else: that is shared with the user's sessions.
    return {**kept, "PREFECTX_CACHE_DIR": str(cache_folder()), "PYTEST_ADDOPTS": ADDOPTS}
