"""Parts of a computation with torch on all processors of the user, one thread for each part.

torch can share one operation among threads. On images of a few thousand pixels that costs more than
it brings, and where other programs use the processors too, each operation waits for its last
thread. Here every part has one thread to itself.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TypeVar

import torch

from napari_mineral_anomaly.detectors.threads import in_threads
from napari_mineral_anomaly.progress import Task

PartT = TypeVar("PartT")
ValueT = TypeVar("ValueT")


class _Users:
    """How many computations want one thread for each operation, and what was set before them."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.count = 0
        self.before = 1


_USERS = _Users()


@contextmanager
def one_thread_each() -> Iterator[None]:
    """Let threads that begin inside this block compute each operation of torch alone."""
    with _USERS.lock:
        if _USERS.count == 0:
            _USERS.before = torch.get_num_threads()
            torch.set_num_threads(1)
        _USERS.count += 1
    try:
        yield
    finally:
        with _USERS.lock:
            _USERS.count -= 1
            if _USERS.count == 0:
                torch.set_num_threads(_USERS.before)


def in_torch_threads(
    work: Callable[[PartT], ValueT], parts: Iterable[PartT], task: Task
) -> Iterator[ValueT]:
    """`threads.in_threads` for work that torch does; parameters and errors are the same.

    torch's number of threads is what it was when the last part is done, or when the caller stops
    asking for parts.
    """
    with one_thread_each():
        yield from in_threads(work, parts, task)
