"""Call a function in a bare interpreter, which can crash, hang or run out of memory alone.

`process.call_in_own_process` starts Python's own kind of child process, which first imports the
script of the caller: a script that reads a file at its top level would start itself over and over.
The interpreter here knows nothing of the caller but the paths of its modules.
"""

from __future__ import annotations

import os
import pickle
import signal
import subprocess
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from multiprocessing.spawn import get_executable
from typing import IO, Any, ParamSpec, TypeVar

from napari_mineral_anomaly.process import ProcessDiedError, free_memory, mapped_memory
from napari_mineral_anomaly.progress import Task

P = ParamSpec("P")
R = TypeVar("R")

# A process that is asked to end has so long to remove what it is writing.
SECONDS_TO_END = 5.0

_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
_LENGTH = 8  # bytes of each length in the answer
# Errors that both sides know; others come back as RuntimeError with their words.
_SHARED = ("builtins", "napari_mineral_anomaly.errors")


class ProcessHungError(RuntimeError):
    """The process gave no answer in its time, and was ended."""


def call_in_bare_process(
    function: Callable[P, R], timeout_s: float, *args: P.args, **kwargs: P.kwargs
) -> R:
    """Call ``function`` in a new interpreter, wait for it, and return its result.

    Parameters
    ----------
    function : callable
        Importable by name; arguments and result must be picklable. Arrays in the result are not
        copied on their way.
    timeout_s : float
        The process is ended after so many seconds.

    Raises
    ------
    ProcessHungError
        When there is no answer in time.
    ProcessDiedError
        When the process ends without an answer.
    Exception
        The exception that ``function`` raises, with the traceback of the process as a note.
    """
    hung = threading.Event()

    def end(process: subprocess.Popen[bytes]) -> None:
        hung.set()
        process.kill()

    with _interpreter(limit_memory=True) as process:
        timer = threading.Timer(timeout_s, end, [process])
        timer.daemon = True
        timer.start()
        try:
            return _answer(process, function, *args, **kwargs)
        except ProcessDiedError:
            if hung.is_set():
                raise ProcessHungError(f"no answer in {timeout_s:.0f} s") from None
            raise
        finally:
            timer.cancel()


def work_in_bare_process(
    function: Callable[P, R], task: Task, threads: int | None, *args: P.args, **kwargs: P.kwargs
) -> R:
    """As `call_in_bare_process`, for long work: without a limit of time and of memory.

    Parameters
    ----------
    task : Task
        A cancel asks the process to end, so that it leaves nothing half-written, and ends it after
        `SECONDS_TO_END`.
    threads : int or None
        Processor threads that the numerical libraries may use; None: as they decide.

    Raises
    ------
    CancelledError
        When ``task`` was cancelled.
    ProcessDiedError, Exception
        As `call_in_bare_process`.
    """
    environment = dict(os.environ)
    if threads is not None:
        # Two threads of one library on a processor that the user left to one wait for each other.
        wanted = environment.get("OMP_NUM_THREADS", "").partition(",")[0] or str(threads)
        for name in _THREADS:
            environment.setdefault(name, wanted)
    done = threading.Event()

    def watch(process: subprocess.Popen[bytes]) -> None:
        while not done.wait(0.1):
            if task.cancelled:
                process.terminate()
                if not done.wait(SECONDS_TO_END):
                    process.kill()
                return

    with _interpreter(limit_memory=False, environment=environment) as process:
        watcher = threading.Thread(target=watch, args=[process], daemon=True)
        watcher.start()
        try:
            return _answer(process, function, *args, **kwargs)
        except ProcessDiedError:
            task.check()
            raise
        finally:
            done.set()


@contextmanager
def _interpreter(
    *, limit_memory: bool, environment: dict[str, str] | None = None
) -> Iterator[subprocess.Popen[bytes]]:
    """A new interpreter that waits for its question; it is ended with the block."""
    code = (
        f"import sys; sys.path[:] = {sys.path!r}; "
        f"from napari_mineral_anomaly.bare_process import serve; serve({limit_memory})"
    )
    process = subprocess.Popen(
        [os.fsdecode(get_executable()), "-c", code],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=environment,
        creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
    )
    try:
        yield process
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()
        for stream in (process.stdin, process.stdout):
            if stream is not None:
                with suppress(OSError):
                    stream.close()


def _answer(
    process: subprocess.Popen[bytes], function: Callable[P, R], *args: P.args, **kwargs: P.kwargs
) -> R:
    try:
        error, value = _asked(process, pickle.dumps((function, args, kwargs)))
    except (EOFError, BrokenPipeError):
        raise ProcessDiedError(f"exit code {process.wait()}") from None
    if error is not None:
        raise error
    result: R = value
    return result


def _asked(process: subprocess.Popen[bytes], question: bytes) -> Any:
    assert process.stdin is not None
    assert process.stdout is not None
    # Left open: its end tells the process that this one has ended.
    process.stdin.write(len(question).to_bytes(_LENGTH, "little") + question)
    process.stdin.flush()
    parts = [_received(process.stdout) for _ in range(_number(process.stdout))]
    return pickle.loads(parts[0], buffers=parts[1:])


def _number(stream: IO[bytes]) -> int:
    word = stream.read(_LENGTH)
    if len(word) < _LENGTH:
        raise EOFError
    return int.from_bytes(word, "little")


def _received(stream: IO[bytes]) -> bytearray:
    part = bytearray(_number(stream))
    there = memoryview(part)
    while there.nbytes:
        n = stream.readinto(there[: 1 << 26])  # type: ignore[attr-defined]
        if not n:
            raise EOFError
        there = there[n:]
    return part


def serve(limit_memory: bool) -> None:
    """Answer one call: read it from stdin, write the result to stdout."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent, which ends us
    signal.signal(signal.SIGTERM, _leave)
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what a library prints must not stand in the answer
    question = _received(sys.stdin.buffer)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    function, args, kwargs = pickle.loads(question)
    if limit_memory:
        _limit_memory()
    try:
        answer: tuple[Exception | None, Any] = (None, function(*args, **kwargs))
    except Exception as error:
        known = type(error).__module__ in _SHARED
        told = error if known else RuntimeError(str(error) or type(error).__name__)
        told.add_note(traceback.format_exc())
        answer = (told, None)
    buffers: list[pickle.PickleBuffer] = []
    told_as = pickle.dumps(answer, protocol=5, buffer_callback=buffers.append)
    parts = [memoryview(told_as), *(buffer.raw() for buffer in buffers)]
    answers.write(len(parts).to_bytes(_LENGTH, "little"))
    for raw in parts:
        answers.write(raw.nbytes.to_bytes(_LENGTH, "little"))
        answers.write(raw)
    answers.close()


def _leave(number: int, frame: Any) -> None:
    sys.exit(1)  # an exception, so that files that are being written are removed


def _end_with_parent() -> None:
    """Wait for the end of the parent, killed or not, and end this process as well."""
    sys.stdin.buffer.read()
    signal.raise_signal(signal.SIGTERM)
    time.sleep(SECONDS_TO_END)
    os._exit(1)


def _limit_memory() -> None:
    """Let this process have the memory that is free, so that it ends before the computer stalls.

    Only on Linux; other systems do not keep the limit.
    """
    free = free_memory()
    if free is None or not sys.platform.startswith("linux"):
        return
    import resource

    limit = mapped_memory() + free
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
