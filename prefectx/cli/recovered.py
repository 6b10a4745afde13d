"""Tasks and parameters of files without a record, such as those dropped in by hand."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from prefectx.cli.finding import TaskFinder

if TYPE_CHECKING:
    from collections.abc import Iterable

    from prefectx._api.task import Task
    from prefectx.cli.catalogue import Catalogue, Entry


class Recovered:
    """Recovers them through the templates of tasks: those of other records, or named here.

    Args:
        catalogue: All targets.
        names: More tasks, by module and name: `words.fetch`.
    """

    def __init__(self, catalogue: Catalogue, names: Iterable[str] = ()) -> None:
        self._catalogue = catalogue
        self._names = [name for name in names if "." in name and "/" not in name]
        self._tasks: list[Task[..., Any]] | None = None

    def task_of(self, entry: Entry) -> str:
        """Return the task whose target a file is, if that is one of those named here; else ""."""
        return self._fitting(entry)[0] if self._names and not entry.task else ""

    def parameters(self, entry: Entry) -> dict[str, str]:
        """Return the parameters of a file, and its task; {} if not exactly one task fits."""
        return {} if entry.task else self._fitting(entry)[1]

    def _fitting(self, entry: Entry) -> tuple[str, dict[str, str]]:
        if self._tasks is None:
            # Imported here: most folders have records of everything.
            self._tasks = list(self._known_tasks())
        fitting: list[tuple[str, dict[str, str]]] = []
        for task in self._tasks:
            found = task.naming.parameters_in(entry.target)
            if found is not None:
                fitting.append((task.qualified_name, {"task": task.name, **found}))
        return fitting[0] if len(fitting) == 1 else ("", {})

    def _known_tasks(self) -> Iterable[Task[..., Any]]:
        finder = TaskFinder()
        latest = {entry.task: entry for entry in self._catalogue if entry.task}
        for name in {*latest, *self._names}:
            entry = latest.get(name)
            task = finder.get(name) if entry is None else finder.task_of(entry, self._catalogue)
            if task is not None:
                yield task
