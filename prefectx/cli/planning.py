"""`prefectx plan`: runs a flow's body, with each task replaced by its target if that exists."""

from __future__ import annotations

import asyncio
import inspect
import os
import traceback
import warnings
from statistics import median
from typing import TYPE_CHECKING, Any

from prefectx._calls.call import Call
from prefectx._calls.freshness import is_done
from prefectx._calls.here import run_here
from prefectx._calls.make import skip
from prefectx._calls.report import Report
from prefectx._calls.run import Run
from prefectx._calls.task_report import seconds_text
from prefectx._runners import use_runner
from prefectx._runners.cache import CacheRunner
from prefectx._settings.mode import use_mode
from prefectx._values.item import Item
from prefectx.cli.absent import AbsentStore
from prefectx.cli.catalogue import Catalogue
from prefectx.cli.finding import TaskFinder, flow_at, use_root
from prefectx.cli.output import again, command_for, say, say_json, say_next, say_table
from prefectx.cli.reasons import reasons_of
from prefectx.cli.running import parameters
from prefectx.errors import PrefectxError, StaleTarget, TargetMissing

if TYPE_CHECKING:
    from argparse import Namespace

    from prefectx._api.flow import Flow
    from prefectx._naming.decorated import AnyFlow, AnyTask
    from prefectx._runners.base import Args, Kwargs


class MissingValue(TargetMissing):
    """In a plan, a flow's body needs a value that does not exist."""


class PlanRunner(CacheRunner):
    """Returns the Item of each call whose target is valid, as mode `cache`; notes the others."""

    def __init__(self) -> None:
        super().__init__()
        #: The calls that would run: task, target or None, short text of the call, reason.
        self.would_run: list[tuple[str, str | None, str, str]] = []
        self._planned: dict[str, Item[Any]] = {}
        #: The places where a flow's body needs a value that does not exist.
        self.unknown: list[str] = []

    def run(self, task: AnyTask, args: Args, kwargs: Kwargs) -> Any:
        """Return the call's Item, or one for the output that a run would make."""
        kwargs = self._answer(task, args, kwargs)
        if task.is_async and not task.is_generator:
            return _later(kwargs)
        return kwargs

    def _answer(self, task: AnyTask, args: Args, kwargs: Kwargs) -> Any:
        try:
            call = Call(task, args, kwargs)
        except MissingValue as error:
            # The name of the target depends on the value.
            text = f"{task.qualified_name}(…), whose target depends on {error}"
            return self._plan(task, None, text, "unknown target")
        if call.item is None:
            return self._plan(task, None, call.summary, "has no target")
        if call.item.path in self._planned:
            return self._planned[call.item.path]
        if is_done(call):
            return skip(call)
        why = "stale" if call.item.exists() else "missing"
        return self._plan(task, call.item, call.summary, why)

    def _plan(self, task: AnyTask, item: Item[Any] | None, text: str, why: str) -> Item[Any]:
        target = None if item is None else item.target
        self.would_run.append((task.qualified_name, target, text, why))
        store = AbsentStore(None if item is None else item.store, MissingValue(target or text))
        if item is None:
            return Item(store, task.name, "")
        planned: Item[Any] = Item(store, item.target, item.base)
        self._planned[item.path] = planned
        return planned

    def flow(self, flow: AnyFlow, args: Args, kwargs: Kwargs) -> Any:
        """Run the flow's body; if it needs a value that does not exist, note the place and stop."""
        if inspect.iscoroutinefunction(flow.function):
            return self._aflow(flow, args, kwargs)
        try:
            return super().flow(flow, args, kwargs)
        except MissingValue as error:
            return self._give_up(flow, error)

    async def _aflow(self, flow: AnyFlow, args: Args, kwargs: Kwargs) -> Any:
        try:
            return await super().flow(flow, args, kwargs)
        except MissingValue as error:
            return self._give_up(flow, error)

    def _give_up(self, flow: AnyFlow, error: MissingValue) -> Item[Any]:
        frames = traceback.extract_tb(error.__traceback__)
        own = inspect.getsourcefile(flow.function)
        here = next((frame for frame in reversed(frames) if frame.filename == own), frames[-1])
        place = f"{os.path.basename(here.filename)}:{here.lineno}"
        self.unknown.append(f"{place} needs {error}")
        result = MissingValue(f"the result of {flow.name}")
        return Item(AbsentStore(None, result), flow.name, "")


async def _later(value: Any) -> Any:
    return value


def plan(options: Namespace) -> int:
    """Print what a run would do; run nothing, write nothing."""
    flow, kwargs = flow_at(options.flow), parameters(options.parameter)
    use_root(options)
    runner, run = _run_plan(flow, kwargs)
    catalogue, tasks = Catalogue(options.root), TaskFinder()
    lines = _lines(runner, run.report, catalogue)
    stale = _stale(run, catalogue, tasks)
    seconds = sum(line["seconds"] or 0 for line in lines)
    if options.json:
        say_json(
            {
                "flow": flow.name,
                "tasks": lines,
                "would_run": [
                    dict(zip(("task", "target", "call", "why"), call, strict=True))
                    for call in runner.would_run
                ],
                "stale": stale,
                "unknown": runner.unknown,
                "seconds": seconds,
            }
        )
    else:
        _say(options, runner, lines, stale, seconds)
    return 1 if runner.would_run or runner.unknown or stale else 0


def _run_plan(flow: Flow[..., Any], kwargs: dict[str, Any]) -> tuple[PlanRunner, Run]:
    runner, run = PlanRunner(), Run(flow.name, "plan")
    token = run_here.set(run)
    try:
        with use_mode("cache"), use_runner(runner), warnings.catch_warnings():
            # Stale targets are printed below.
            warnings.simplefilter("ignore", StaleTarget)
            result = flow(**kwargs)
            if inspect.iscoroutine(result):
                asyncio.run(result)
    except PrefectxError as error:
        runner.unknown.append(f"{type(error).__name__}: {error}")
    finally:
        run_here.reset(token)
    return runner, run


def _lines(runner: PlanRunner, report: Report, catalogue: Catalogue) -> list[dict[str, Any]]:
    """Return a line for each task: the numbers of calls to run and to skip, and the time."""
    took: dict[str, list[float]] = {}
    for entry in catalogue:
        if entry.exists:
            took.setdefault(entry.task, []).append(entry.seconds)
    found: dict[str, dict[str, Any]] = {}
    for task, *_ in runner.would_run:
        line = found.setdefault(task, {"task": task, "run": 0, "skipped": 0, "seconds": None})
        line["run"] += 1
    for name, counted in report.lines():
        known = {"task": name, "run": 0, "skipped": 0, "seconds": None}
        found.setdefault(name, known)["skipped"] = counted.skipped
    for task, line in found.items():
        if task in took and line["run"]:
            line["seconds"] = round(line["run"] * median(took[task]), 3)
    return list(found.values())


def _stale(run: Run, catalogue: Catalogue, tasks: TaskFinder) -> list[dict[str, str]]:
    """Return the targets that would be skipped although they are stale."""
    found: list[dict[str, str]] = []
    for target in run.targets():
        entry = catalogue.entries.get(target)
        if entry is None or not entry.exists:
            continue
        for reason in reasons_of(entry, catalogue, tasks):
            why = {"target": target, "why": reason.text, "task": entry.task, "kind": reason.kind}
            found.append(why)
    return found


def _say(
    options: Namespace,
    runner: PlanRunner,
    lines: list[dict[str, Any]],
    stale: list[dict[str, str]],
    seconds: float,
) -> None:
    rows = [
        [
            line["task"].rpartition(".")[2],
            f"{line['run']:,}",
            f"{line['skipped']:,}",
            "" if line["seconds"] is None else f"about {seconds_text(line['seconds'])}",
        ]
        for line in lines
    ]
    say_table(["task", "would run", "skipped", "time"], rows)
    for _, target, text, why in runner.would_run[: options.most]:
        say(f"  run  {target or text}  ({why})")
    if len(runner.would_run) > options.most:
        all_calls = again(options, "-n", str(len(runner.would_run)))
        say(f"  and {len(runner.would_run) - options.most:,} more: {all_calls}")
    for line in stale[: options.most]:
        say(f"  skip  {line['target']}, although it is stale: {line['why']}")
    if len(stale) > options.most:
        say(f"  and {len(stale) - options.most:,} more that are skipped although they are stale")
    for place in runner.unknown:
        say(f"  unknown from here on: {place}")
    if seconds:
        say(f"about {seconds_text(seconds)}, estimated from earlier calls of the same tasks")
    given = [word for text in options.parameter for word in ("-p", text)]
    ahead = [command_for(options, "run", options.flow, *given)]
    if stale:
        # A run would use it.
        task = stale[0]["task"].rpartition(".")[2]
        ahead = [
            command_for(options, "rm", task, "--stale", "--downstream"),
            command_for(options, "accept", task, "--reason", "it would give the same"),
            *ahead,
        ]
    say_next(*ahead)
