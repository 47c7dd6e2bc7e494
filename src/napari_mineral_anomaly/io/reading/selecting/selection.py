"""The element maps of one scan, opened and checked, not yet read together."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from napari_mineral_anomaly.io.formats.shared.planes import Plane
from napari_mineral_anomaly.io.reading.folder import FolderFiles
from napari_mineral_anomaly.io.reading.naming.told_names import EARLIER, plane_place
from napari_mineral_anomaly.scan.cube import Quantity
from napari_mineral_anomaly.scan.names.map_names import ParsedName
from napari_mineral_anomaly.scan.report import IgnoredFile, UndecidedMap


@dataclass
class Selection:
    """The element maps of one scan, opened and checked, not yet read together.

    Attributes
    ----------
    planes : dict of str to Plane
        By element label, in the order of the cube.
    ignored : list of IgnoredFile
    warnings : list of str
    quantity : str or None
        What the numbers are, where the kind of file decides it.
    lazy : array-like (C, H, W) or None
        All planes of the file, where they stay on disk (see `MapFile.lazy`).
    folder : FolderFiles or None
        The other files, where a folder was read.
    steps : list of (str, str)
        A file, and how it was understood (`MapFile.steps`).
    to_decide : list of UndecidedMap
        What has the shape of the maps, but no element in its name.
    left_out : set of Path
        Files that the user left out.
    as_context : dict of Path to ParsedName
        Files that the user set beside the maps.
    """

    planes: dict[str, Plane] = field(default_factory=dict)
    ignored: list[IgnoredFile] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    quantity: Quantity | None = None
    lazy: Any | None = None
    folder: FolderFiles | None = None
    steps: list[tuple[str, str]] = field(default_factory=list)
    to_decide: list[UndecidedMap] = field(default_factory=list)
    left_out: set[Path] = field(default_factory=set)
    as_context: dict[Path, ParsedName] = field(default_factory=dict)

    def ignore(self, file: str, reason: str, *, warn: str = "") -> None:
        """List a file as ignored; ``warn`` is a sentence for what the user may not expect."""
        self.ignored.append(IgnoredFile(file=file, reason=reason))
        if warn:
            self.warnings.append(warn)

    def tell(self, file: str, entry: ParsedName, plane: Plane | None = None) -> None:
        """Say where a map (of a file, or a plane of a file) has its element from the user."""
        if not entry.told_by:
            return
        own = "the element" if plane is None else f"the element of plane {plane.page or 1}"
        self.steps.append((file, f"{own}, {entry.label}, is {entry.told_by}"))
        place = file if plane is None else plane_place(file, plane)
        if entry.told_by == EARLIER:
            self.warnings.append(
                f'{place} is {entry.label}, {EARLIER}; --name "{place}=auto" takes that back.'
            )
