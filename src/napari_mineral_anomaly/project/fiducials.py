"""The fiducials of a project: what project.json holds of them."""

from __future__ import annotations

from typing import Any

from napari_mineral_anomaly.grains.sem.fiducials import (
    Fiducials,
    fiducial_entry,
    fiducial_from_entry,
)
from napari_mineral_anomaly.grains.sem.fit import SemFit, fit_sem
from napari_mineral_anomaly.project.format import ProjectFile


def fiducials_of(file: ProjectFile) -> Fiducials:
    """The fiducials of a project; none where it has none."""
    points = (fiducial_from_entry(entry) for entry in file.fiducials)
    return Fiducials(tuple(one for one in points if one is not None), file.sem_transform)


def fit_of(file: ProjectFile) -> SemFit:
    """The transform from the map of a project to its SEM.

    Raises
    ------
    InputError
        When its fiducials do not give one, with the reason.
    """
    return fit_sem(fiducials_of(file), file.pixel_size_um)


def fiducial_fields(before: ProjectFile | None, fiducials: Fiducials | None) -> dict[str, Any]:
    """The fields of project.json for other fiducials; None keeps those that there were.

    Objects that this version does not understand stay.
    """
    entries = () if before is None else before.fiducials
    model = "similarity" if before is None else before.sem_transform
    if fiducials is not None:
        foreign = [entry for entry in entries if fiducial_from_entry(entry) is None]
        entries = (*map(fiducial_entry, fiducials.points), *foreign)
        model = fiducials.model
    return {"fiducials": entries, "sem_transform": model}
