"""Errors of tests that need a server when there can be none."""

from __future__ import annotations

import os
from importlib import import_module
from importlib.metadata import distribution
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_prefectx.server import server

if TYPE_CHECKING:
    from collections.abc import Callable

    from example import Example


def test_what_is_missing_is_named_with_its_remedy(
    example: Callable[..., Example], tmp_path: Path
) -> None:
    """Without Prefect or distributed a test that needs them fails, and no other."""
    site = tmp_path / "site"
    site.mkdir()
    installed = [
        distribution(name).locate_file(file.parts[0])
        for name in ("pytest", "pluggy", "iniconfig", "packaging", "pygments", "xxhash")
        for file in distribution(name).files or ()
        if file.parts[0] not in ("..", "__pycache__")
    ]
    names = ("prefectx", "pytest_prefectx")
    ours = [Path(str(import_module(name).__file__)).parent for name in names]
    for path in {Path(str(path)) for path in (*installed, *ours)}:
        (site / path.name).symlink_to(path)
    project = example(
        """
        def test_it(prefectx_mode): pass

        def test_all(prefectx_modes): pass

        def test_client(prefect_client): pass

        def test_dask(dask_cluster): pass
        """,
        env={"PYTHONPATH": str(site)},
    )
    options = ("-p", "pytest_prefectx.plugin", "--prefectx-mode=cache,prefect", "-c", os.devnull)
    # -S: only what is linked above can be imported.
    run = project.run(f"--rootdir={project.folder}", *options, python=("-S",))
    run.ends(passed=1, error=4).exits(1)
    prefect = 'E *MissingExtra: the modes prefect.skip, *: pip install "prefectx?prefect?"'
    for item in ("test_it[[]prefect]", "test_all", "test_client"):
        run.says(f"*ERROR at setup of {item} *", prefect)
    run.says('E *MissingExtra: the fixture dask_cluster * pip install "prefectx?dask?"')


def test_a_server_that_fails_says_why(example: Callable[..., Example], tmp_path: Path) -> None:
    """The error has the reason and the end of the server's log; other modes still run."""
    cache = tmp_path / "cache"
    # A folder where the template of the database should be.
    (cache / server.template().name).mkdir(parents=True)
    broken = {"PREFECTX_CACHE_DIR": str(cache)}
    project = example("def test_it(prefectx_mode): pass", env=broken)
    run = project.run("--prefectx-mode=function,prefect").ends(passed=1, error=1)
    run.says(
        "E *RuntimeError: the ephemeral Prefect server did not start: IsADirectoryError*",
        "E *Traceback (most recent call last):",
    )
