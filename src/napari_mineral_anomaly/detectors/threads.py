"""Parts of a computation on all processors of the user."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

from threadpoolctl import threadpool_limits

from napari_mineral_anomaly.progress import Task

# Each thread needs working memory of its own.
MOST_THREADS = 8

PartT = TypeVar("PartT")
ValueT = TypeVar("ValueT")


def usable_threads() -> int:
    """Threads that a computation may use: OMP_NUM_THREADS where it is set, else all processors.

    torch and the libraries below numpy go by the same variable.
    """
    wanted = os.environ.get("OMP_NUM_THREADS", "").partition(",")[0]
    if wanted.isdecimal() and int(wanted) > 0:
        return min(int(wanted), MOST_THREADS)
    if hasattr(os, "sched_getaffinity"):
        return min(len(os.sched_getaffinity(0)), MOST_THREADS)
    return min(os.cpu_count() or 1, MOST_THREADS)


def in_threads(
    work: Callable[[PartT], ValueT], parts: Iterable[PartT], task: Task
) -> Iterator[ValueT]:
    """``work`` of each part, in the order of the parts; a few parts are under way at a time.

    numpy lets other threads run while it computes. A part is one thread's work, so the libraries
    below numpy start none of their own.

    Parameters
    ----------
    work : callable
        Must not alter what another part uses.
    parts : iterable
    task : Task
        Checked before each part.

    Raises
    ------
    CancelledError
        When ``task`` was cancelled, and whatever ``work`` raises. Parts that have not begun are
        dropped.
    """
    n_threads = usable_threads()
    if n_threads == 1:
        for part in parts:
            task.check()
            yield work(part)
        return
    with threadpool_limits(1, user_api="blas"), ThreadPoolExecutor(n_threads) as pool:
        waiting: deque[Future[ValueT]] = deque()
        try:
            for part in parts:
                task.check()
                waiting.append(pool.submit(work, part))
                if len(waiting) > n_threads:
                    yield waiting.popleft().result()
            while waiting:
                task.check()
                yield waiting.popleft().result()
        finally:
            for each in waiting:
                each.cancel()
