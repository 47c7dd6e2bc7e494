"""Libraries that are no requirement: a file that needs one is refused where it is missing."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

from napari_mineral_anomaly.errors import InputError


class MissingPackageError(InputError):
    """A file needs a package that is not installed; the file itself may be sound."""


def require_extra(path: Path, module: str, library: str, extra: str) -> None:
    """Refuse a file whose library is not installed.

    Parameters
    ----------
    path : Path
    module : str
        What is imported: "openpyxl".
    library : str
        How it is called in the sentence: "openpyxl", "RosettaSciIO (GPL-3)".
    extra : str
        The extra of this package that brings it.

    Raises
    ------
    MissingPackageError
    """
    if find_spec(module) is None:
        raise MissingPackageError(
            f"{path.name} is read with {library}, which is not installed: "
            f'pip install "napari-mineral-anomaly[{extra}]".'
        )
