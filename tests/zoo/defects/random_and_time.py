"""Tasks that give something else each time: what is kept is not what the next run would give."""

from __future__ import annotations

import random
import time
import uuid

import numpy as np
from specimens import Defect

from prefectx import flow, task


@task
def sample(rows: list[int], size: int) -> list[int]:
    return random.sample(rows, size)


# random; any two runs.
@flow
def sampled() -> list[int]:
    return sample(list(range(1000)), 10)


@task
def noisy(signal: np.ndarray) -> np.ndarray:
    return signal + np.random.default_rng().normal(size=signal.shape)


# numpy's random, by a new generator without a seed; any two runs.
@flow
def noisy_signal() -> np.ndarray:
    return noisy(np.zeros(4))


@task
def stamped(site: str) -> dict[str, object]:
    return {"site": site, "made": time.time()}


# time; any two runs.
@flow
def stamped_sites() -> list[dict[str, object]]:
    return [stamped("north"), stamped("south")]


@task
def run_id(site: str) -> str:
    return f"{site}-{uuid.uuid4()}"


# uuid; any two runs.
@flow
def run_ids() -> list[str]:
    return [run_id("north")]


MODELS: list[object] = []


class Model:
    def __init__(self) -> None:
        MODELS.append(self)


@task
def fit(site: str) -> str:
    return f"{site}: {Model()}"


# address of an object, in its text; any two runs (all models are kept, so no address comes twice).
@flow
def fit_report() -> str:
    return fit("north")


DEFECTS = [
    Defect(sampled, "not-deterministic", ("sample", "random")),
    Defect(noisy_signal, "not-deterministic", ("noisy", "random")),
    Defect(stamped_sites, "not-deterministic", ("stamped", "time")),
    Defect(run_ids, "not-deterministic", ("run_id", "uuid")),
    Defect(fit_report, "not-deterministic", ("fit",)),
]
