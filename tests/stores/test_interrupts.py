"""Ctrl-C at any moment, hundreds of times in one process: nothing is left open, locked or torn."""

from __future__ import annotations

from pathlib import Path

import pytest
from patience import PATIENCE
from processes import running

pytestmark = pytest.mark.usefixtures("tmp_target")

INTERRUPTED = """
import gc, os, signal, sys, threading, time
from prefectx import load, task

@task(once=True)
def locked(x): return list(range(x))

@task(target="working/{funcname}/{x}.json")
def stored(x): return [x]

@task
def large(x): return bytes(50_000 + x)

def opened():
    gc.collect()
    return len(os.listdir("/proc/self/fd"))

def work(number):
    assert load(locked(number)) == list(range(number))
    assert load(stored(number)) == [number]
    assert len(load(large(number))) == 50_000 + number

def interrupt():
    # At moments that are no multiple of anything.
    for number in range(int(sys.argv[1])):
        heard.clear()
        time.sleep(number * 7919 % 101 / 50_000)
        os.kill(os.getpid(), signal.SIGINT)
        # Not before the last one was heard: two at once are one.
        heard.wait()
    ended.set()

def interrupted(*_):
    if is_working:
        raise KeyboardInterrupt
    heard.set()

work(0)
before = opened()
heard, ended = threading.Event(), threading.Event()
is_working, times, number = False, 0, 0
signal.signal(signal.SIGINT, interrupted)
thread = threading.Thread(target=interrupt, daemon=True)
thread.start()
while not ended.is_set():
    try:
        is_working = True
        while not ended.is_set():
            number += 1
            work(number % 400)
    except KeyboardInterrupt:
        times += 1
    is_working = False
    heard.set()
thread.join()
for number in range(400):
    work(number)
print(times, opened() - before)
"""


def test_hundreds_of_interrupts_leave_no_lock_no_file_and_nothing_open() -> None:
    with running(INTERRUPTED, 500) as process:
        said, errors = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0, errors
    times, still_open = map(int, said.split())
    assert times > 250
    assert still_open == 0
    left = [str(path) for path in Path().rglob("*") if path.suffix in {".lock", ".tmp"}]
    assert left == []
