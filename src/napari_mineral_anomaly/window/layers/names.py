"""Names that tell scans apart, for people."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from pathlib import Path


def told_apart(names: Mapping[str, str], sources: Mapping[str, Path]) -> dict[str, str]:
    """A name for each scan that no other scan has.

    Scans of the same name get that of the nearest folder above them that differs: of "slide_1/maps"
    and "slide_2/maps", "slide_1" and "slide_2". Where no folder tells them apart, as for a scan
    that was opened twice, a number follows the name.

    Parameters
    ----------
    names : mapping of scan id to str
        In the order in which the scans were opened.
    sources : mapping of scan id to Path
        The folder or file of each scan that has one.

    Returns
    -------
    dict
        The name of each scan id.
    """
    told = dict(names)
    alike = Counter(name.casefold() for name in names.values())
    for name in {name.casefold() for name in names.values() if alike[name.casefold()] > 1}:
        group = [scan_id for scan_id, one in names.items() if one.casefold() == name]
        others = {one.casefold() for scan_id, one in names.items() if scan_id not in group}
        told |= _by_folder({one: sources[one] for one in group if one in sources}, others)
    taken: set[str] = set()
    for scan_id, name in told.items():
        free, number = name, 1
        while free.casefold() in taken:
            number += 1
            free = f"{name} ({number})"
        taken.add(free.casefold())
        told[scan_id] = free
    return told


def _by_folder(sources: Mapping[str, Path], others: set[str]) -> dict[str, str]:
    """The nearest folder above that is another one for each; {} where there is none."""
    above = {scan_id: source.absolute().parent.parts[::-1] for scan_id, source in sources.items()}
    depth = min(map(len, above.values()), default=0)
    for level in range(depth):
        found = {scan_id: parts[level] for scan_id, parts in above.items()}
        folded = [name.casefold() for name in found.values()]
        if len(set(folded)) == len(folded) > 1 and not others & set(folded):
            return found
    return {}
