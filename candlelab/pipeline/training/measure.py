"""What a net costs: operations, memory, loading, latency. Taken after every fit, on the device that trained."""

from __future__ import annotations

import ctypes
import gc
import os
import threading
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

from candlelab.core.batch import Batch
from candlelab.pipeline.inputs.assemble import Parts
from candlelab.pipeline.training.operations import flops
from candlelab.run import Run

INTERVAL = 0.01  # seconds between two looks at the memory
WARM_UP, CALLS, SECONDS = 3, 50, 2.0  # calls before timing; at most so many timed ones, at most so long
SHARE = 0.02  # of the training, for each of the two sizes of batch


class PeakMemory:
    """The most memory this process held inside a `with` block, in MB: the GPU's where one was used, else resident memory.

    Pages of files beyond those of the program itself, such as bars larger than the memory, do not count: the system takes them back as
    it needs.
    A high-water mark of the operating system never falls, so in a sweep every job would inherit that of the largest before it:
    here a thread looks every hundredth of a second, after memory that earlier jobs left free was given back.
    """

    def __enter__(self) -> PeakMemory:
        _give_back()
        if torch.cuda.is_available():
            torch.cuda.reset_peak_memory_stats()
        self._peak, self._done = self._now(), threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *error) -> None:
        self._done.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._done.wait(INTERVAL):
            self._peak = max(self._peak, self._now())

    def _now(self) -> float:
        return resident_mb() - max(0.0, mapped_mb() - PROGRAM)

    @property
    def megabytes(self) -> float:
        """The peak so far."""
        if torch.cuda.is_available() and torch.cuda.max_memory_allocated():
            return torch.cuda.max_memory_allocated() / 2**20
        return max(self._peak, self._now())


def resident_mb() -> float:
    """Memory this process holds now, in MB; where the system does not say, the most it has held."""
    statm = Path("/proc/self/statm")
    if statm.exists():
        return int(statm.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20  # macOS counts bytes


def mapped_mb() -> float:
    """Pages of files among that memory, in MB; 0 where the system does not say."""
    statm = Path("/proc/self/statm")
    return int(statm.read_text().split()[2]) * os.sysconf("SC_PAGE_SIZE") / 2**20 if statm.exists() else 0.0


PROGRAM = mapped_mb()  # this file is loaded before the data are


def _give_back() -> None:
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
    try:
        ctypes.CDLL(None).malloc_trim(0)
    except (AttributeError, OSError, TypeError):
        return  # only glibc keeps freed memory this way


def costs(parts: Parts, folder: Path, trained: float) -> dict[str, float | None]:
    """Return net/parameters, net/flops, net/load_seconds and the latency/ figures of a run whose weights are written.

    trained     seconds that training took: timing takes a small share of it.
    flops       of one forward pass of one sample; a multiplication and an addition count as two. None where a layer is unknown.
    load        from the folder to a net in evaluation mode.
    p50_ms, p90_ms   of one sample in one thread (or on the GPU), inputs ready; throughput: samples per second of whole batches.
    """
    start = time.perf_counter()
    net = Run(folder).model
    loaded = time.perf_counter() - start
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    net, rows = net.to(device), torch.from_numpy(parts.data.samples("validation")[: parts.data.batch_size])
    one, many = (parts.data.assemble(some.to(device)) for some in (rows[:1], rows))
    counts = {
        "net/parameters": sum(p.numel() for p in net.parameters()),
        "net/flops": flops(net, one),
        "net/load_seconds": loaded,
    }
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        single = durations(net, one, SHARE * trained)
    finally:
        torch.set_num_threads(threads)
    p50, p90 = 1000 * np.quantile(single, (0.5, 0.9))
    return counts | {
        "latency/p50_ms": p50,
        "latency/p90_ms": p90,
        "latency/throughput": len(rows) / np.median(durations(net, many, SHARE * trained)),
    }


def durations(net: torch.nn.Module, batch: Batch, most: float = SECONDS) -> np.ndarray:
    """Seconds of each timed forward pass, after a warm-up; of as many as fit into `most` seconds, and of one at least."""
    found: list[float] = []
    wait: Callable[[], None] = torch.cuda.synchronize if batch["row"].is_cuda else lambda: None
    with torch.inference_mode():
        for _ in range(WARM_UP):
            net(batch)
        wait()
        begin = time.perf_counter()
        while len(found) < CALLS and (not found or time.perf_counter() - begin < min(most, SECONDS)):
            start = time.perf_counter()
            net(batch)
            wait()
            found.append(time.perf_counter() - start)
    return np.array(found)
