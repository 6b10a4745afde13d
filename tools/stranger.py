"""The script of tools/stranger.sh, in a fresh environment with nothing but prefectx and its extras.

python tools/stranger.py alone        modes function and cache, and what each missing extra says
python tools/stranger.py page FILE    the console blocks of a page, in a fresh folder, one by one
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

BLOCK = re.compile(r"(?ms)(?:<!-- test: (.*?) -->\n+)?^```(\w*)\n(.*?)^```$")

PROGRAM = """
from prefectx import flow, load, task, use_mode
import prefectx

assert "site-packages" in prefectx.__file__, prefectx.__file__

@task(target="working/{funcname}/{x}.json")
def double(x): return 2 * x

@flow
def total(n): return sum(load(double.map(range(n))))

for mode in ("function", "cache", "cache"):
    with use_mode(mode):
        assert total(4) == 12
assert double.item(3).exists()
print("   12 in function and cache")
"""

# What is asked for, and the command that the message must have.
MISSING = {
    'prefectx.use_mode("prefect").__enter__(); t(1)': 'pip install "prefectx[prefect]"',
    "prefectx.dask.task_runner()": 'pip install "prefectx[dask]"',
    'Filestore("s3://bucket").exists("a")': 'pip install "prefectx[s3]"',
    'Filestore("gs://bucket").exists("a")': 'pip install "prefectx[gcs]"',
    'Filestore("memory://a").exists("a")': 'pip install "prefectx[remote]"',
    "prefectx.stores.SQLStore": 'pip install "prefectx[sql]"',
    'open("a.parquet", "w").close(); Filestore().load("a.parquet")': (
        'pip install "prefectx[tables]"'
    ),
    'open("a.pkl.zst", "w").close(); Filestore().load("a.pkl.zst")': (
        'pip install "prefectx[pickle]"'
    ),
}
ASK = """
import prefectx, sys
from prefectx.errors import MissingExtra
from prefectx.stores import Filestore
@prefectx.task
def t(x): return x
try:
    exec(sys.argv[1])
except MissingExtra as error:
    print(error)
"""


def alone() -> int:
    subprocess.run([sys.executable, "-c", PROGRAM], check=True)
    wrong = 0
    for ask, command in MISSING.items():
        done = subprocess.run(
            [sys.executable, "-c", ASK, ask], capture_output=True, text=True, check=False
        )
        if command not in done.stdout:
            wrong += 1
            print(f"   NOT NAMED: {command}, for {ask}:\n{done.stdout}{done.stderr}")
    print(f"   {len(MISSING) - wrong} of {len(MISSING)} missing extras named with their command")
    return wrong


def page(path: Path) -> int:
    environment = {
        **os.environ,
        "PATH": os.pathsep.join([os.path.dirname(sys.executable), os.environ["PATH"]]),
    }
    for way, language, text in BLOCK.findall(path.read_text(encoding="utf-8")):
        if way.startswith("file "):
            Path(way.removeprefix("file ")).write_text(text, encoding="utf-8")
        elif language == "console" and way != "by hand":
            for command in re.findall(r"(?m)^\$ (.*)", text):
                began = time.monotonic()
                done = subprocess.run(
                    command,
                    shell=True,
                    env=environment,
                    capture_output=True,
                    text=True,
                    check=False,
                )
                print(f"   {time.monotonic() - began:5.1f} s  {done.returncode}  {command}")
    return 0


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        given = [Path(argument).resolve() for argument in sys.argv[2:]]
        os.chdir(folder)
        sys.exit(alone() if sys.argv[1] == "alone" else page(*given))
