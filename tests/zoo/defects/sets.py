"""Results that depend on the order of a set, which is another one when it has been in a file."""

from __future__ import annotations

from specimens import Defect

from prefectx import flow, task


@task
def stations() -> set[int]:
    return {2015, 2023}


@task
def first_station(numbers: set[int]) -> int:
    return next(iter(numbers))


# both numbers want one place in the set's table; cold: they come back the other way round.
@flow
def reference_station() -> int:
    return first_station(stations())


@task
def working_sensors(broken: list[int]) -> set[int]:
    working = set(range(1, 101))
    for sensor in broken:
        working.discard(sensor)
    return working


@task
def sensor_table(sensors: set[int]) -> list[str]:
    return [f"sensor {sensor}" for sensor in sensors]


# a large table whose elements were discarded; cold: what comes back has a small one.
@flow
def sensors() -> list[str]:
    broken = [sensor for sensor in range(1, 101) if sensor not in {2, 33}]
    return sensor_table(working_sensors(broken))


DEFECTS = [
    Defect(reference_station, "set-order", ("stations",)),
    Defect(sensors, "set-order", ("working_sensors",)),
]
