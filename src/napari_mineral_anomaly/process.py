"""Run a function in a process of its own: its memory and its crash are nobody else's.

The process is spawned, never forked, so that it behaves alike on every system and starts clean.
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
    """The process ended without a result: killed, out of memory, or crashed in foreign code."""


def call_in_own_process(function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    """Call ``function`` in a new process and wait for what it returns.

    Parameters
    ----------
    function : callable
        Importable by name; arguments and result must be picklable.

    Raises
    ------
    ProcessDiedError
        When the process ends without an answer.
    Exception
        Whatever ``function`` raises, with its own type and the process's traceback as a note.

    After any exception here, an interruption included, the process is ended at once.
    """
    context = multiprocessing.get_context("spawn")
    answers, to_us = context.Pipe(duplex=False)
    # Pickled here, not by the start of the process: the imports that unpickling brings then
    # happen after the process stopped listening to Ctrl-C.
    process = context.Process(target=_work, args=(to_us, pickle.dumps((function, args, kwargs))))
    try:
        process.start()
        # Ours must be closed: only then does the end of the process end the waiting below.
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
    # Ctrl-C reaches the whole group; the parent alone answers it, by ending this process.
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
    """Largest resident memory of this process so far in 10^6 bytes; None where nobody tells."""
    if sys.platform == "win32":
        return _peak_memory_mb_windows()
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    # Linux counts kibibytes, macOS bytes.
    return peak / 1e6 if sys.platform == "darwin" else peak * 1024 / 1e6


def _peak_memory_mb_windows() -> float | None:
    # psutil comes with napari, not with us; it knows the peak working set of Windows.
    try:
        psutil = import_module("psutil")
    except ImportError:
        return None
    peak = getattr(psutil.Process().memory_info(), "peak_wset", None)
    return None if peak is None else peak / 1e6
