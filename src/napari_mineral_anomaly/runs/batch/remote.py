"""What a worker of a cluster does for a section.

A scheduler and its workers import what they are sent, in the thread that keeps them in touch with
each other. So this module imports next to nothing, and the job stays pickled until it is in the
process of its section.
"""

from __future__ import annotations

import pickle
import platform

from napari_mineral_anomaly.bare_process import work_in_bare_process
from napari_mineral_anomaly.process import ProcessDiedError
from napari_mineral_anomaly.progress import SILENT


def work_at_worker(job: bytes) -> tuple[str, str] | None:
    """Work on a section in a new process.

    Parameters
    ----------
    job : bytes
        A pickled `SectionJob`.

    Returns
    -------
    (str, str) or None
        How the process died, and on which computer; None where it came to its end.
    """
    try:
        work_in_bare_process(_work, SILENT, None, job)
    except ProcessDiedError as error:
        return str(error), platform.node()
    return None


def _work(job: bytes) -> None:
    from napari_mineral_anomaly.runs.batch.work import work_on_section

    work_on_section(pickle.loads(job))
