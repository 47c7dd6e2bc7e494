"""The sections of a batch on a Dask cluster (`distributed`, extra ``cluster``).

A worker that dies is no lost section: Dask gives its section to another worker, which waits for the
lock of the section, finds the folder finished or works on it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from napari_mineral_anomaly.errors import InputError
from napari_mineral_anomaly.progress import Task
from napari_mineral_anomaly.runs.batch.work import SectionJob, tell_failure, work_apart

_SECONDS_TO_CONNECT = 30
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
        When `distributed` is missing or the scheduler does not answer.
    """
    try:
        import distributed
    except ImportError:
        raise InputError(
            "A Dask cluster needs the library distributed: pip install "
            "'napari-mineral-anomaly[cluster]'."
        ) from None
    as_completed: Any = distributed.as_completed
    with _connected(cluster) as client:
        futures = {
            client.submit(work_apart, job, key=_key(job), pure=False, retries=_RETRIES): job
            for job in jobs
        }
        try:
            for number, future in enumerate(as_completed(futures), start=1):
                job = futures[future]
                if future.status != "finished":
                    tell_failure(job, f"The cluster could not work on this: {future.exception()!r}")
                ended(number, job)
        except BaseException:
            client.cancel(list(futures), force=True)
            raise
        task.check()


def _connected(cluster: Cluster) -> Any:
    import distributed

    make_client: Any = distributed.Client

    place = cluster.address or cluster.scheduler_file
    try:
        return make_client(
            cluster.address, scheduler_file=cluster.scheduler_file, timeout=_SECONDS_TO_CONNECT
        )
    except (OSError, ValueError, TimeoutError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise InputError(
            f"The Dask scheduler at {place} does not answer ({reason}): check that it runs and "
            "can be reached from here."
        ) from None


def _key(job: SectionJob) -> str:
    return f"{job.name}-{abs(hash((job.out, job.source))):x}"
