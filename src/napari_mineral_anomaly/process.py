"""Run a function in a separate process: its memory and its crash do not reach this process.

The process is spawned, never forked, so that it starts clean and behaves the same on every system.
`concurrent.futures.ProcessPoolExecutor` is not used: in Python 3.11 it can neither end a process
that is still working nor report the exit code of a process that died.
"""

from __future__ import annotations

import multiprocessing
import pickle
import signal
import sys
import traceback
from collections.abc import Callable
from importlib import import_module
from multiprocessing.connection import Connection
from typing import ParamSpec, TypeVar

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
