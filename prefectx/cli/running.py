"""`prefectx run` and `prefectx check`: run a flow from the command line."""

from __future__ import annotations

import ast
import asyncio
import inspect
import os
import sys
import traceback
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any

from prefectx._calls.refresh import refresh
from prefectx._calls.report import last_run
from prefectx._calls.task_report import in_one_line
from prefectx._runners import use_runner
from prefectx._settings.mode import current_mode, use_mode, validate_mode
from prefectx._settings.summary import SUMMARY
from prefectx._values.tracebacks import hide_own_frames
from prefectx.cli.finding import flow_at, use_root
from prefectx.cli.keep_going import KeepGoingRunner
from prefectx.cli.misuse import Misuse
from prefectx.cli.output import command_for, say, say_json, say_next

if TYPE_CHECKING:
    from argparse import Namespace
    from collections.abc import Generator, Iterable, Sequence

    from prefectx._calls.report import Report


def parameters(pairs: Iterable[str]) -> dict[str, Any]:
    """Return a flow's parameters from `key=value`, with Python literals or texts.

    Raises:
        Misuse: A pair has no `=`.
    """
    found: dict[str, Any] = {}
    for pair in pairs:
        name, equals, text = pair.partition("=")
        if not equals:
            msg = f"-p {pair!r} is not KEY=VALUE"
            raise Misuse(msg)
        try:
            found[name] = ast.literal_eval(text)
        except (ValueError, SyntaxError):
            found[name] = text
    return found


def run(options: Namespace) -> int:
    """Run a flow; its report goes to standard error."""
    flow, kwargs = flow_at(options.flow), parameters(options.parameter)
    mode = options.mode or _mode()
    runner = _keep_going(mode) if options.keep_going else None
    with ExitStack() as stack:
        stack.enter_context(use_mode(mode))
        if options.refresh:
            stack.enter_context(refresh(*options.refresh))
        if runner is not None:
            stack.enter_context(use_runner(runner))
        use_root(options)
        try:
            result = flow(**kwargs)
            if inspect.iscoroutine(result):
                asyncio.run(result)
        except Exception as error:  # noqa: BLE001 - any error of the user's flow
            hide_own_frames(error)
            traceback.print_exception(error)
            if options.pdb:
                import pdb  # noqa: T100 - for the option --pdb

                pdb.post_mortem(error.__traceback__)
            _say_json(options, last_run())
            return 2
        except KeyboardInterrupt:
            return 2
    if runner is not None and runner.error is not None:
        _say_what_failed(runner.error, runner.not_tried)
    report = last_run()
    is_misspelt = _is_misspelt(options.refresh or (), report)
    _say_json(options, report)
    if not options.json and mode != "function":
        say_next(command_for(options, "status"))
    return 2 if is_misspelt or (report is not None and report.failures) else 0


def _is_misspelt(names: Iterable[str], report: Report | None) -> bool:
    """Tell whether any name of a task to refresh is of no task that was called; print which."""
    lines = () if report is None else report.lines()
    called = {"*"}.union(*({name, line.task} for name, line in lines))
    wrong = [name for name in names if name not in called]
    for name in wrong:
        sys.stderr.write(f"prefectx: --refresh {name}: the flow has called no task of this name\n")
    return bool(wrong)


def _say_json(options: Namespace, report: Report | None) -> None:
    if options.json and report is not None:
        say_json(_as_dict(report))


def _as_dict(report: Report) -> dict[str, Any]:
    names = ("task", "ran", "skipped", "failed", "seconds", "bytes")
    return {
        "flow": report.flow,
        "mode": report.mode,
        "seconds": report.seconds,
        "tasks": [{name: getattr(line, name) for name in names} for line in report.tasks],
        "failures": [
            {"call": one.call, "exception": one.exception, "command": one.command}
            for one in report.failures
        ],
        "error": None if report.error is None else in_one_line(report.error),
    }


def _keep_going(mode: str) -> KeepGoingRunner:
    if mode == "cache":
        return KeepGoingRunner()
    msg = (
        f"--keep-going is for mode cache, not {mode}: use --mode cache. In every mode, all calls of"
        " .map and .submit are tried."
    )
    raise Misuse(msg)


def _say_what_failed(error: BaseException, not_tried: Sequence[str]) -> None:
    hide_own_frames(error)
    traceback.print_exception(error)
    for call in not_tried[:_SHOWN]:
        sys.stderr.write(f"not tried, because an input has failed: {call}\n")
    if len(not_tried) > _SHOWN:
        sys.stderr.write(f"and {len(not_tried) - _SHOWN:,} more that were not tried\n")


_SHOWN = 10


def _mode() -> str:
    # A flow that is run by this command should store its outputs.
    mode = current_mode()
    return "cache" if mode == "function" and "PREFECTX" not in os.environ else mode


@contextmanager
def _no_summary() -> Generator[None]:
    """Print no summaries: the flow runs many times."""
    before = os.environ.get(SUMMARY.name)
    os.environ[SUMMARY.name] = "off"
    try:
        yield
    finally:
        if before is None:
            del os.environ[SUMMARY.name]
        else:
            os.environ[SUMMARY.name] = before


def check(options: Namespace) -> int:
    """Run a flow in several modes, with and without targets, and print where they disagree."""
    from pytest_prefectx import assert_modes_agree

    flow, kwargs = flow_at(options.flow), parameters(options.parameter)
    modes = options.mode.split(",") if options.mode else ["function", "cache"]
    if len({validate_mode(mode, "--mode") for mode in modes}) == 1:
        msg = f"--mode {options.mode} is nothing to compare: name two, as in function,cache"
        raise Misuse(msg)
    try:
        with _no_summary():
            assert_modes_agree(flow, modes=modes, **kwargs)
    except AssertionError as error:
        if options.json:
            told = {"agree": False, "difference": str(error)}
            say_json({"flow": options.flow, "modes": modes, **told})
        else:
            sys.stderr.write(f"{error}\n")
        return 2
    except FileNotFoundError as error:
        error.add_note("the flow ran in a temporary folder: name input files by their full path")
        raise
    if options.json:
        say_json({"flow": options.flow, "modes": modes, "agree": True})
    else:
        say(f"{options.flow}: the modes {', '.join(modes)} agree")
    return 0
