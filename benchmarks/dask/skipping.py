"""The cost of a flow of finished tasks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from records import completed, count_tasks, left_behind, task_runs, tasks_sent
from services import cluster, environment
from tables import table, verdict
from watching import client

if TYPE_CHECKING:
    from pathlib import Path


def skipping(folder: Path, api_url: str, ours: int, plain: int) -> str:
    """Compare `ours` finished tasks in `prefect.skip` with `plain` that Prefect has cached itself.

    Returns:
        The table.
    """
    place = folder / "skipping"
    place.mkdir()
    variables = environment(folder, api_url)
    skip, cache = variables | {"PREFECTX": "prefect.skip"}, variables | {"PREFECTX": "cache"}
    with cluster(place, variables) as on:
        with client(on, place, cache) as running:
            running.run("ours", "kept", ours)
        with client(on, place, skip) as running:
            running.run("plain", "kept", plain)
            count_tasks(on.address)
            run, seconds = running.run("ours", "kept", ours)
            sent = tasks_sent(on.address)
            lines = running.log.read_text().count("Skipped ")
            known = task_runs(api_url, run)
            plain_run, plain_seconds = running.run("plain", "kept", plain)
            plain_sent = tasks_sent(on.address) - sent
            plain_known = completed(api_url, plain_run, plain)
        assert left_behind(on.address) == 0, "the scheduler still keeps what prefectx left with it"
    # The one that tries out whether the workers see the same files.
    aims = known == 0 and sent <= 1 and lines == 1
    head = ("", f"plain, {plain:,} tasks", f"the same for {ours:,}", f"ours, {ours:,} tasks", "")
    more = ours / plain
    return table(
        head,
        [
            ["task runs", f"{plain_known:,}", f"{plain_known * more:,.0f}", f"{known}"],
            ["tasks sent", f"{plain_sent:,}", f"{plain_sent * more:,.0f}", f"{sent}"],
            ["summary lines", "", "", f"{lines}", verdict(aims)],
            [
                "seconds",
                f"{plain_seconds:.1f}",
                f"{plain_seconds * more:,.0f}",
                f"{seconds:.2f}",
                f"{plain_seconds * more / seconds:,.0f} times faster",
            ],
        ],
    )
