"""The sections of a batch on a Dask cluster (`distributed`, extra ``cluster``).

A worker that dies is no lost section: Dask gives its section to another worker, which waits for the
lock of the section, finds the folder finished or works on it.
"""

from __future__ import annotations

import json
import pickle
import time
import uuid
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from napari_mineral_anomaly.errors import InputError
from napari_mineral_anomaly.progress import Task
from napari_mineral_anomaly.runs.batch.remote import work_at_worker
from napari_mineral_anomaly.runs.batch.work import SectionJob, died, give_up

# A scheduler that was started at the same moment may need so long.
_SECONDS_TO_CONNECT = 30.0
_SECONDS_BETWEEN_LOOKS = 0.2
# So long without a worker, and the user is told that nothing happens.
_SECONDS_WITHOUT_WORKERS = 5.0
# Of a section whose task raised an exception; dead workers are counted by Dask itself.
_RETRIES = 2


@dataclass(frozen=True)
class Cluster:
    """How a Dask cluster is reached: the address of its scheduler, or the file that holds it."""

    address: str | None = None
    scheduler_file: str | None = None


def work_on_cluster(
    jobs: Sequence[SectionJob],
    cluster: Cluster,
    ended: Callable[[int, SectionJob], None],
    task: Task,
) -> None:
    """Send the sections to the cluster and wait for them.

    Raises
    ------
    InputError
        When `distributed` is missing, or the scheduler does not answer or ends too early.
    CancelledError
        When ``task`` was cancelled; sections that a worker has begun may still become finished.
    """
    with _connected(cluster) as client:
        futures = {
            client.submit(
                work_at_worker, pickle.dumps(job), key=_key(job), pure=False, retries=_RETRIES
            ): job
            for job in jobs
        }
        try:
            _follow(client, futures, ended, task)
        except BaseException:
            with suppress(Exception):  # a scheduler that is gone
                client.cancel(list(futures), force=True)
            raise


def _follow(
    client: Any,
    futures: dict[Any, SectionJob],
    ended: Callable[[int, SectionJob], None],
    task: Task,
) -> None:
    waiting, number = dict(futures), 0
    last_seen, is_told = time.monotonic(), False
    while waiting:
        task.check()
        for future in [one for one in waiting if one.done()]:
            job = waiting.pop(future)
            if future.cancelled():
                raise InputError(
                    "The connection to the Dask scheduler was lost: finished sections stay; start "
                    "the cluster again and go on with --resume."
                )
            if future.status != "finished":
                give_up(job, _why(future.exception()))
            elif (end := future.result()) is not None:
                give_up(job, died(end[0]), host=end[1])
            number += 1
            ended(number, job)
        if client.scheduler_info()["workers"]:
            last_seen, is_told = time.monotonic(), False
        elif not is_told and time.monotonic() - last_seen > _SECONDS_WITHOUT_WORKERS:
            task.note("The Dask cluster has no worker: the sections wait until one is started.")
            is_told = True
        time.sleep(_SECONDS_BETWEEN_LOOKS)


def _connected(cluster: Cluster) -> Any:
    try:
        import distributed
    except ImportError:
        raise InputError(
            "A Dask cluster needs the library distributed: pip install "
            "'napari-mineral-anomaly[cluster]'."
        ) from None
    make_client: Any = distributed.Client
    address = cluster.address or _address_in(Path(cluster.scheduler_file or ""))
    try:
        return make_client(address, timeout=_SECONDS_TO_CONNECT, set_as_default=False)
    except (OSError, ValueError, TimeoutError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise InputError(
            f"The Dask scheduler at {address} does not answer ({reason}): check that it runs and "
            "can be reached from here."
        ) from None


def _address_in(file: Path) -> str:
    """The address that a scheduler has written, or is just writing, into its file."""
    deadline = time.monotonic() + _SECONDS_TO_CONNECT
    while True:
        try:
            return str(json.loads(file.read_text(encoding="utf-8"))["address"])
        except (OSError, ValueError, KeyError, TypeError) as error:
            if time.monotonic() > deadline:
                why = "is not there" if isinstance(error, OSError) else "holds no address"
                raise InputError(
                    f"The scheduler file {file} {why}: start the scheduler with dask scheduler "
                    f"--scheduler-file {file}."
                ) from None
        time.sleep(_SECONDS_BETWEEN_LOOKS)


def _why(error: BaseException) -> str:
    if type(error).__name__ == "KilledWorker":
        return (
            "Every worker of the cluster that took this section died: they may have too little "
            "memory; give them more, or fewer threads each."
        )
    return f"The cluster could not work on this: {error!r}."


def _key(job: SectionJob) -> str:
    # A name of its own: what an interrupted batch has left on the cluster is not taken for it.
    return f"{job.name}-{uuid.uuid4().hex}"
