"""A scan that is spread over several files which name each other, as OME-TIFF does."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from napari_mineral_anomaly.printable import shown
from napari_mineral_anomaly.words import counted, listed


def missing_parts_words(files: Collection[Path], parts: Collection[str]) -> list[str]:
    """A sentence about the parts that are not there; none where all are.

    Parameters
    ----------
    files : collection of Path
        The files of the folder that may hold maps.
    parts : collection of str
        The names that the files of the scan give to its files, "" for none. A renamed file may be
        one of them: files with other names are counted against the names that are missing.
    """
    there = {path.name for path in files}
    missing = sorted(set(parts) - there - {""})
    if len(there - set(parts)) >= len(missing):
        return []
    return [
        f"The scan is spread over {counted(len(parts), 'file')}, and "
        f"{listed([shown(name) for name in missing])} "
        f"{'is' if len(missing) == 1 else 'are'} not here: what "
        f"{'it holds' if len(missing) == 1 else 'they hold'} is not in the scan."
    ]
