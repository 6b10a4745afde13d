"""The time to open a large `.npy` target with `mmap=True`, over that for a small one.

The large file is sparse: it is not its content that is measured.
"""

from __future__ import annotations

import statistics
import tempfile
import time

import numpy as np

from prefectx.stores import Filestore

ROUNDS = 300
SIZES = {"1 MB": 1 << 20, "1 GB": 1 << 30}


def main() -> None:
    """Open both in turns; print the medians and their ratio."""
    with tempfile.TemporaryDirectory() as folder:
        store = Filestore(folder)
        for name, size in SIZES.items():
            path = store.path(f"{name}.npy")
            array = np.lib.format.open_memmap(path, mode="w+", dtype=np.uint8, shape=(size,))
            del array
        times: dict[str, list[float]] = {name: [] for name in SIZES}
        for _ in range(ROUNDS):
            for name, taken in times.items():
                start = time.perf_counter()
                store.load_mapped(f"{name}.npy")
                taken.append(time.perf_counter() - start)
    small, large = (statistics.median(taken) for taken in times.values())
    print(f"1 MB {small * 1e6:.0f} µs, 1 GB {large * 1e6:.0f} µs: ratio {large / small:.2f}")


if __name__ == "__main__":
    main()
