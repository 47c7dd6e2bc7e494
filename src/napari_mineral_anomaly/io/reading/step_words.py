"""The steps of reading in words: each sentence once, with the files or planes that it is about."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from napari_mineral_anomaly.io.formats.shared.planes import Plane
from napari_mineral_anomaly.words import listed


def step_words(
    of_files: Sequence[tuple[str, str]],
    planes: Mapping[str, Plane],
    file_names: Mapping[Path, str],
) -> tuple[str, ...]:
    """Sentences for ``steps`` of the ingest report.

    Parameters
    ----------
    of_files : sequence of (str, str)
        A file, and how it was understood.
    planes : mapping of str to Plane
        The element maps by their names.
    file_names : mapping of Path to str
        Name of each file in the report.

    Returns
    -------
    tuple of str
        "values = 0.25 n - 0.5, from the ImageJ calibration (Ca.tif, Fe.tif)"; without a list where
        the sentence is about every map of the scan. The lists are complete.
    """
    by_sentence: dict[str, list[str]] = {}
    for file, sentence in of_files:
        by_sentence.setdefault(sentence, []).append(file)
    n_files = len({plane.path for plane in planes.values()})
    found = [_with_places(s, places, n_files) for s, places in by_sentence.items()]
    by_sentence = {}
    for element, plane in planes.items():
        place = file_names[plane.path] if plane.page is None else element
        for sentence in plane.steps:
            by_sentence.setdefault(sentence, []).append(place)
    found += [_with_places(s, places, len(planes)) for s, places in by_sentence.items()]
    return tuple(found)


def _with_places(sentence: str, places: Sequence[str], n_all: int) -> str:
    unique = list(dict.fromkeys(places))
    return sentence if len(unique) >= n_all else f"{sentence} ({listed(unique, len(unique))})"
