"""Other tools, each set up as its own documentation says: hits, looks and misses."""

from __future__ import annotations

import pickle
from itertools import count
from typing import TYPE_CHECKING, Any, NamedTuple

from speed.race import timed, waited

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from timeit import Timer


class Peer(NamedTuple):
    """A library that keeps what functions return."""

    #: Calls the function; what is kept is not made again.
    call: Callable[[Any], Any]
    #: Tells whether a call's output is there, without reading it; None if it cannot.
    looks: Callable[[Any], Any] | None


def joblib(folder: Path, function: Callable[[Any], Any]) -> Peer:
    from joblib import Memory

    kept = Memory(folder / "joblib", verbose=0).cache(function)
    return Peer(kept, kept.check_call_in_cache)


def diskcache(folder: Path, function: Callable[[Any], Any]) -> Peer:
    from diskcache import Cache

    cache = Cache(str(folder / "diskcache"))
    kept = cache.memoize(typed=True)(function)
    return Peer(kept, lambda x: kept.__cache_key__(x) in cache)


def cachier(folder: Path, function: Callable[[Any], Any]) -> Peer:
    from cachier import cachier as decorated

    kept = decorated(cache_dir=str(folder / "cachier"), separate_files=True)(function)
    return Peer(kept, None)


def checkpointer(folder: Path, function: Callable[[Any], Any]) -> Peer:
    from checkpointer import Checkpointer

    kept = Checkpointer(directory=folder / "checkpointer", verbosity=0)(function)
    return Peer(kept, kept.exists)


def pipefunc(folder: Path, function: Callable[[Any], Any]) -> Peer:
    from pipefunc.cache import DiskCache, memoize, to_hashable

    # Without its cache in memory: it is the disk that is compared.
    cache = DiskCache(folder / "pipefunc", with_lru_cache=False)
    kept = memoize(cache)(function)
    return Peer(kept, lambda x: to_hashable(((x,), {})) in cache)


def exca(folder: Path, function: Callable[[Any], Any]) -> Peer:
    from speed.kept_by_exca import Kept, uid_of

    (folder / "exca").mkdir(parents=True, exist_ok=True)
    # As for pipefunc: the disk is compared.
    infra = {"folder": str(folder / "exca"), "keep_in_ram": False}
    kept = Kept(function=function, infra=infra)
    return Peer(
        lambda x: next(iter(kept.process([x]))), lambda x: uid_of(x) in kept.infra.cache_dict
    )


def luigi(folder: Path, function: Callable[[Any], Any]) -> Peer:
    from luigi import IntParameter, LocalTarget, Task

    class Kept(Task):  # type: ignore[misc]
        x = IntParameter()

        def output(self) -> LocalTarget:
            return LocalTarget(str(folder / "luigi" / f"{self.x}.pkl"), format=_binary())

        def run(self) -> None:
            with self.output().open("w") as file:
                pickle.dump(function(self.x), file)

    def call(x: int) -> Any:
        task = Kept(x=x)
        # What luigi.build does for one task, without its scheduler and workers.
        if not task.complete():
            task.run()
        with task.output().open("r") as file:
            return pickle.load(file)

    return Peer(call, lambda x: Kept(x=x).complete())


def _binary() -> Any:
    from luigi.format import Nop

    return Nop


def prefect(folder: Path, function: Callable[[Any], Any]) -> Peer:
    """What its engine does for `persist_result` and `INPUTS`, without the engine and its runs."""
    from prefect.cache_policies import INPUTS
    from prefect.filesystems import LocalFileSystem
    from prefect.results import ResultStore

    # As for pipefunc: the disk is compared.
    storage = LocalFileSystem(basepath=str(folder / "prefect"))
    store = ResultStore(result_storage=storage, cache_result_in_memory=False)

    def key_of(x: Any) -> str:
        no_run: Any = None
        return str(INPUTS.compute_key(task_ctx=no_run, inputs={"x": x}, flow_parameters={}))

    def call(x: Any) -> Any:
        key = key_of(x)
        if store.exists(key):
            return store.read(key)
        value = function(x)
        store.write(value, key)
        return value

    return Peer(call, lambda x: store.exists(key_of(x)))


SMALL: tuple[Callable[[Path, Callable[[Any], Any]], Peer], ...] = (
    joblib,
    diskcache,
    cachier,
    checkpointer,
    pipefunc,
    exca,
    luigi,
    prefect,
)
# Luigi's parameters are texts and numbers.
ANY_ARGUMENT = tuple(peer for peer in SMALL if peer is not luigi)

# Those that take whatever pickle does.
OF_OBJECTS = (joblib, prefect)


def looking(peer: Peer, x: Any) -> Timer:
    """Time finding out that the output of `x` is there, as cheaply as the peer can."""
    peer.call(x)
    look = peer.looks or peer.call
    assert look(x)
    return timed("look(x)", look=look, x=x)


def loading(peer: Peer, x: Any) -> Timer:
    """Time getting the output of `x`, which is there."""
    peer.call(x)
    return timed("call(x)", call=peer.call, x=x)


def missing(peer: Peer) -> Timer:
    """Time making an output, another one each time."""
    return waited("call(next(numbers))", call=peer.call, numbers=count())
