"""Run a function in a separate process: its memory and its crash do not reach this process.

The process is spawned, never forked, so that it starts clean and behaves the same on every system.
`concurrent.futures.ProcessPoolExecutor` is not used: in Python 3.11 it can neither end a process
that is still working nor report the exit code of a process that died.
"""

from __future__ import annotations

import hashlib
import multiprocessing
import os
import pickle
import platform
import signal
import sys
import traceback
from collections.abc import Callable
from functools import cache
from importlib import import_module
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")


class ProcessDiedError(RuntimeError):
    """The process ended without a result: killed, out of memory, or crashed in a library."""


def call_in_own_process(function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    """Call ``function`` in a new process, wait for it, and return its result.

    After any exception here, an interruption included, the process is ended at once.

    Parameters
    ----------
    function : callable
        Importable by name; the arguments and the result must be picklable.

    Raises
    ------
    ProcessDiedError
        When the process ends without an answer.
    Exception
        The exception that ``function`` raises, with its own type; the traceback of the process is
        added as a note.
    """
    context = multiprocessing.get_context("spawn")
    answers, to_us = context.Pipe(duplex=False)
    # Pickled here, not by ``start``: so the process first ignores Ctrl-C, then unpickles, which
    # imports the modules of the function and its arguments.
    process = context.Process(target=_work, args=(to_us, pickle.dumps((function, args, kwargs))))
    try:
        process.start()
        # Our copy of the process's end must be closed: otherwise ``recv`` waits for ever when the
        # process dies.
        to_us.close()
        try:
            error, value = answers.recv()
        except EOFError:
            process.join()
            raise ProcessDiedError(f"exit code {process.exitcode}") from None
    finally:
        answers.close()
        if process.is_alive():
            process.terminate()
        if process.pid is not None:
            process.join()
    if error is not None:
        raise error
    result: R = value
    return result


def _work(to_parent: Connection, payload: bytes) -> None:
    # Ctrl-C reaches parent and child; only the parent reacts to it, and ends this process.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        function, args, kwargs = pickle.loads(payload)
        answer = (None, function(*args, **kwargs))
    except Exception as error:
        error.add_note(traceback.format_exc())
        to_parent.send((error, None))
    else:
        to_parent.send(answer)


@cache
def system_id() -> str:
    """Eight hexadecimal digits for the system whose process numbers this process shares.

    Made of the computer's name and, on Linux, the space of process numbers (of the container).
    """
    try:
        space = Path("/proc/self/ns/pid").readlink().as_posix()
    except OSError:
        space = ""
    return hashlib.sha256(f"{platform.node()} {space}".encode()).hexdigest()[:8]


def is_alive(pid: int) -> bool:
    """Whether a process of this number runs on this system; True where it is not known."""
    if sys.platform == "win32":  # os.kill would end the process there
        try:
            return bool(import_module("psutil").pid_exists(pid))
        except ImportError:
            return True
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except OSError:  # it runs, but belongs to another user
        return True
    return True


def memory() -> int | None:
    """Bytes of memory that this process can have at most; None if it is not known.

    The memory of the machine, or less where a control group of Linux (a container, a batch job) is
    limited.
    """
    try:
        total = int(os.sysconf("SC_PAGE_SIZE")) * int(os.sysconf("SC_PHYS_PAGES"))
    except (AttributeError, ValueError, OSError):  # Windows has no sysconf
        found = _virtual_memory()
        total = 0 if found is None else int(found.total)
    limits = [limit for limit in (total, _group_limit()) if limit and limit > 0]
    return min(limits, default=None)


def free_memory() -> int | None:
    """Bytes of memory that this process can still get, as psutil knows it; None if not known."""
    found = _virtual_memory()
    if found is None:
        return None
    limits = [int(found.available), memory(), _left_of_own_limit()]
    return min(limit for limit in limits if limit is not None)


def _left_of_own_limit() -> int | None:
    """What a limit of the process itself leaves (``ulimit -v``); None where there is none."""
    if not sys.platform.startswith("linux"):  # other systems do not keep the limit
        return None
    import resource

    limit, _ = resource.getrlimit(resource.RLIMIT_AS)
    if limit == resource.RLIM_INFINITY:
        return None
    return max(limit - mapped_memory(), 0)


def mapped_memory() -> int:
    """Bytes that this process has reserved, as limits of Linux count them; only on Linux."""
    pages = int(Path("/proc/self/statm").read_text("ascii").split()[0])
    return pages * int(os.sysconf("SC_PAGE_SIZE"))


def _group_limit() -> int | None:
    """The limit of the control group, version 2 or 1."""
    for place in ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"):
        try:
            return int(Path(place).read_text("ascii"))
        except (OSError, ValueError):  # not Linux, or "max"
            continue
    return None


def _virtual_memory() -> Any:
    # psutil is installed by napari, not by us.
    try:
        return import_module("psutil").virtual_memory()
    except (ImportError, OSError):
        return None


def peak_memory_mb() -> float | None:
    """Largest resident memory of this process so far, in 10^6 bytes; None if it is not known."""
    if sys.platform == "win32":
        return _peak_memory_mb_windows()
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    # Linux gives kibibytes, macOS bytes.
    return peak / 1e6 if sys.platform == "darwin" else peak * 1024 / 1e6


def _peak_memory_mb_windows() -> float | None:
    # psutil is installed by napari, not by us; on Windows it knows the peak memory.
    try:
        psutil = import_module("psutil")
    except ImportError:
        return None
    peak = getattr(psutil.Process().memory_info(), "peak_wset", None)
    return None if peak is None else peak / 1e6
