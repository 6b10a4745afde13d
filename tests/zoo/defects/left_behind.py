"""Tasks that leave something in the process, on which others rely; lost, the later task alone."""

from __future__ import annotations

import codecs
import decimal
import mimetypes
import os
import random
import sqlite3
import sys
import tempfile
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
from specimens import Defect

from prefectx import flow, load, task

REGISTRY: dict[str, int] = {}
SESSION: sqlite3.Connection | None = None


@task
def register(name: str) -> str:
    REGISTRY[name] = len(name)
    return name


@task
def registered_length(name: str) -> int:
    return REGISTRY[name]


# an entry in a registry.
@flow
def lengths() -> int:
    return registered_length(register("north"))


@task
def log_in(path: str) -> bool:
    global SESSION  # noqa: PLW0603
    SESSION = sqlite3.connect(path)
    return True


@task
def answer(logged_in: bool) -> int:
    assert logged_in
    assert SESSION is not None
    return int(SESSION.execute("select 42").fetchone()[0])


# an open session in a module.
@flow
def asked() -> int:
    return answer(log_in(":memory:"))


@task
def choose_unit(unit: str) -> str:
    os.environ["ZOO_UNIT"] = unit
    return unit


@task
def in_unit(metres: float, chosen: str) -> str:
    return f"{metres} {os.environ['ZOO_UNIT']}{chosen[:0]}"


# a variable of the environment.
@flow
def height_text() -> str:
    return in_unit(2.0, choose_unit("ft"))


@task
def add_folder(name: str) -> str:
    sys.path.append(name)
    return name


@task
def is_found(name: str) -> bool:
    return name in sys.path


# a folder on the path of imports.
@flow
def imports() -> bool:
    return is_found(add_folder("/zoo/plugins"))


@task
def seed_all(seed: int) -> int:
    random.seed(seed)
    np.random.seed(seed)  # noqa: NPY002
    return seed


@task
def noise(size: int, seed: int) -> list[float]:
    assert seed
    return [float(each) for each in np.random.normal(size=size)]  # noqa: NPY002


# the seed of numpy.
@flow
def noisy() -> list[float]:
    return noise(3, seed_all(5))


@task
def unpack(text: str) -> bool:
    Path(tempfile.gettempdir(), "zoo-unpacked.txt").write_text(text)
    return True


@task
def unpacked_size(is_there: bool) -> int:
    assert is_there
    return len(Path(tempfile.gettempdir(), "zoo-unpacked.txt").read_text())


# a file in the temporary folder.
@flow
def size_of_unpacked() -> int:
    return unpacked_size(unpack("north,1"))


@task
def set_precision(digits: int) -> int:
    decimal.getcontext().prec = digits
    return digits


@task
def third(digits: int) -> str:
    assert digits
    return str(decimal.Decimal(1) / 3)


# the context of decimal.
@flow
def one_third() -> str:
    return third(set_precision(5))


@task
def show_rows(most: int) -> int:
    pd.set_option("display.max_rows", most)
    return most


@task
def printed(size: int, most: int) -> str:
    assert most
    return repr(pd.DataFrame({"x": range(size)}))


# an option of pandas.
@flow
def printed_table() -> str:
    return printed(10, show_rows(4))


@task
def add_type(suffix: str) -> str:
    mimetypes.add_type("text/zoo", suffix)
    return suffix


@task
def type_of_file(name: str, suffix: str) -> str | None:
    return mimetypes.guess_type(f"{name}{suffix}")[0]


# a table of the standard library.
@flow
def type_of_zoo() -> str | None:
    return type_of_file("a", add_type(".zoo"))


@task
def register_codec(name: str) -> str:
    codecs.register(lambda asked: codecs.lookup("utf-8") if asked == name else None)
    return name


@task
def encoded(text: str, codec: str) -> bytes:
    return text.encode(codec)


# what cannot be taken back in this process: only a fresh one has it not.
@flow
def encoded_text() -> bytes:
    return encoded("a", register_codec("zoo_codec"))


@task
def be_strict(category: str) -> str:
    warnings.simplefilter("error", FutureWarning)
    return category


@task
def is_refused(text: str) -> bool:
    try:
        warnings.warn(text, FutureWarning, stacklevel=2)
    except FutureWarning:
        return True
    return False


# a filter of warnings.
@flow
def refuses() -> bool:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return load(is_refused(be_strict("old")))


DEFECTS = [
    Defect(lengths, "side-effect", ("register", "REGISTRY")),
    Defect(refuses, "side-effect", ("be_strict", "warnings")),
    Defect(asked, "side-effect", ("log_in", "SESSION")),
    Defect(height_text, "side-effect", ("choose_unit", "ZOO_UNIT")),
    Defect(imports, "side-effect", ("add_folder", "sys.path")),
    Defect(noisy, "side-effect", ("seed_all", "numpy"), needs_fresh_process=True),
    Defect(size_of_unpacked, "side-effect", ("unpack", "zoo-unpacked.txt")),
    Defect(one_third, "side-effect", ("set_precision", "decimal")),
    Defect(printed_table, "side-effect", ("show_rows", "pandas")),
    Defect(type_of_zoo, "side-effect", ("add_type", "mimetypes")),
    Defect(encoded_text, "side-effect", ("register_codec",), needs_fresh_process=True),
]
