"""`prefectx doctor`: each point that may go wrong, with its cure."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

import pytest

from prefectx.cli import main

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

pytestmark = pytest.mark.prefectx("cache")


@pytest.fixture
def findings(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[[], dict[str, Any]]:
    """What the command finds in the current folder, by the name of the check."""
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.startswith(("PREFECTX_ROOT", "PREFECT_"))]:
        monkeypatch.delenv(name)

    def look() -> dict[str, Any]:
        code = main(["doctor", "--json"])
        found = json.loads(capsys.readouterr().out)["findings"]
        assert code == int(not all(each["ok"] for each in found))
        return {each["what"]: each for each in found}

    return look


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str, str], None]:
    """Make a package look installed in another version."""
    monkeypatch.syspath_prepend(str(tmp_path / "packages"))

    def install(name: str, version: str) -> None:
        folder = tmp_path / f"packages/{name.replace('-', '_')}-{version}.dist-info"
        folder.mkdir(parents=True)
        fields = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
        (folder / "METADATA").write_text(fields)

    return install


def test_a_folder_that_others_may_write_is_named_with_the_command_that_closes_it(
    findings: Callable[[], dict[str, Any]], tmp_path: Path
) -> None:
    assert findings()["folder"]["ok"]
    tmp_path.chmod(0o777)
    found = findings()["folder"]
    assert not found["ok"]
    assert f"chmod go-w {tmp_path}" in found["cure"]


def test_a_server_that_does_not_answer_is_named_with_how_to_start_one(
    findings: Callable[[], dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert findings()["server"]["ok"]
    monkeypatch.setenv("PREFECT_API_URL", "http://127.0.0.1:9/api")
    found = findings()
    assert not found["server"]["ok"]
    assert "does not answer" in found["server"]["text"]
    assert "prefect server start" in found["server"]["cure"]


def test_server_settings_that_lose_task_runs_are_named_with_better_ones(
    findings: Callable[[], dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PREFECT_API_URL", "http://127.0.0.1:9/api")
    recorder = findings()["task run recorder"]
    assert not recorder["ok"]
    name, value = "PREFECT_SERVER_SERVICES_TASK_RUN_RECORDER_BATCH_SIZE", "100"
    assert f"{name}={value}" in recorder["cure"]
    monkeypatch.setenv(name, value)
    assert findings()["task run recorder"]["ok"]


@pytest.mark.parametrize(
    ("package", "version", "cure"),
    [
        ("fastapi", "0.200.0", 'pip install "fastapi<0.155"'),
        ("prefect", "3.1.0", 'pip install "prefect>=3.8,<'),
        ("prefect", "4.0.0", 'pip install "prefect>=3.8,<'),
        ("prefect-dask", "0.3.1", 'pip install "prefect-dask>=0.3.5,<'),
        ("distributed", "2022.1.0", 'pip install "distributed>=2025.1,<'),
    ],
)
def test_versions_that_were_not_tested_are_named(
    findings: Callable[[], dict[str, Any]],
    install: Callable[[str, str], None],
    package: str,
    version: str,
    cure: str,
) -> None:
    what = "FastAPI" if package == "fastapi" else package
    assert findings()[what]["ok"]
    install(package, version)
    found = findings()[what]
    assert (found["ok"], found["text"]) == (False, version)
    assert cure in found["cure"]


def test_the_clock_and_the_place_of_records_are_told(
    findings: Callable[[], dict[str, Any]], tmp_path: Path
) -> None:
    found = findings()
    assert "the file system's clock is" in found["clock"]["text"]
    assert found["records"]["ok"]
    assert list(tmp_path.iterdir()) == []
