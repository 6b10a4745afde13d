"""Plant one bug at a time in a copy of prefectx, and see that our own test tools notice it.

`python tests/mutants [WORD …]`: all mutants, or those with one of these words in their names.
"""

# ruff: noqa: T201 - a command says what it found
from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple, Self

from mutants import MUTANTS, Mutant

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent

AT_ONCE = 2
TIMEOUT = 240

_FAILED = re.compile(r"^(FAILED|ERROR) \S*harness\.py(?:::(\S+))?", re.MULTILINE)


class Verdict(NamedTuple):
    """What the harness said: which check failed, if one did."""

    killer: str | None
    output: str
    seconds: float


def main(words: list[str]) -> int:
    """Return the exit code: 0 if the harness passes without a bug and fails with each."""
    start = time.monotonic()
    chosen = [m for m in MUTANTS if not words or any(word in m.name for word in words)]
    survivors: list[str] = []
    with Harness() as harness, ThreadPoolExecutor(AT_ONCE) as pool:
        sound, *verdicts = [pool.submit(harness.judge, mutant) for mutant in (None, *chosen)]
        if (verdict := sound.result()).killer is not None:
            pool.shutdown(cancel_futures=True)
            print(f"{verdict.output}\nthe harness fails without any bug: {verdict.killer}")
            return 1
        print(f"no bug: no check fails ({verdict.seconds:.0f} s)", flush=True)
        for mutant, judged in zip(chosen, verdicts, strict=True):
            verdict = judged.result()
            by = f"killed by {verdict.killer}" if verdict.killer else "SURVIVES"
            print(f"{mutant.name}: {by} ({verdict.seconds:.0f} s)", flush=True)
            survivors += [] if verdict.killer else [mutant.name]
    killed = len(chosen) - len(survivors)
    print(f"killed {killed} of {len(chosen)} in {time.monotonic() - start:.0f} s")
    return 1 if survivors else 0


class Harness:
    """Copies of prefectx, its test tools and the harness, as they are now: work may go on."""

    def __enter__(self) -> Self:
        self._folder = TemporaryDirectory(prefix="prefectx-mutants-")
        self._tools = Path(self._folder.name, "tools")
        _copy(ROOT / "pytest_prefectx", self._tools / "pytest_prefectx")
        _copy(ROOT / "prefectx", Path(self._folder.name, "sound", "prefectx"))
        shutil.copy(HERE / "harness.py", self._tools)
        shutil.copy(HERE / "mutants.py", self._tools)
        shutil.copy(ROOT / "pyproject.toml", self._tools)
        return self

    def __exit__(self, *exception: object) -> None:
        self._folder.cleanup()

    def judge(self, mutant: Mutant | None) -> Verdict:
        """Run the harness on a copy of prefectx with this bug in it."""
        start = time.monotonic()
        with TemporaryDirectory(dir=self._folder.name) as folder:
            copy = Path(folder, "prefectx")
            _copy(Path(self._folder.name, "sound", "prefectx"), copy)
            if mutant is not None:
                _plant(mutant, Path(folder))
            killer, output = self._run(folder)
        return Verdict(killer, output, time.monotonic() - start)

    def _run(self, folder: str) -> tuple[str | None, str]:
        path = (folder, str(self._tools), os.environ.get("PYTHONPATH", ""))
        try:
            run = subprocess.run(
                [sys.executable, "-m", "pytest", *_OPTIONS, str(self._tools / "harness.py")],
                cwd=folder,
                env={
                    **os.environ,
                    "PYTHONPATH": os.pathsep.join(filter(None, path)),
                    "PREFECTX_COPY": folder,
                },
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                timeout=TIMEOUT,
                check=False,
            )
        except subprocess.TimeoutExpired as late:
            return "the timeout", str(late.output)
        if run.returncode == 0:
            return None, run.stdout
        found = _FAILED.search(run.stdout)
        if found is None or found[1] == "ERROR" or "test_the_copy" in (found[2] or ""):
            # Whatever does not even start says nothing of the checks.
            msg = f"the harness did not run:\n{run.stdout}"
            raise RuntimeError(msg)
        return found[2], run.stdout


def _plant(mutant: Mutant, folder: Path) -> None:
    """Have the module plant the bug at its end, in each process that imports it."""
    file = folder.joinpath(*mutant.module.split("."))
    file = file / "__init__.py" if file.is_dir() else file.with_suffix(".py")
    with file.open("a", encoding="utf-8") as source:
        source.write(f"\n\nfrom mutants import plant\n\nplant({mutant.name!r}, globals())\n")


def _copy(package: Path, to: Path) -> None:
    shutil.copytree(package, to, ignore=shutil.ignore_patterns("__pycache__"))


_OPTIONS = (
    *("-x", "-q", "-rfE", "-p", "no:cacheprovider", "--tb=short", "--timeout=200"),
    "--prefectx-mode=function,cache",
)

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
