"""What one row of the registry says of a file format."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from napari_mineral_anomaly.io.formats.shared.planes import Opened
from napari_mineral_anomaly.scan.spectra import SpectrumImage


@dataclass(frozen=True)
class MapsInDocs:
    """A row of the table of element maps in docs/formats.md, in Markdown."""

    what: str
    element_from: str
    pixel_size_from: str
    tried_on: str
    not_read: str = ""


@dataclass(frozen=True)
class SpectraInDocs:
    """A row of the table of spectrum images in docs/formats.md, in Markdown."""

    what: str
    tried_on: str


@dataclass(frozen=True)
class Format:
    """One file format: all that reading, the window and the documentation know of it.

    Attributes
    ----------
    name : str
        Short, for lists in sentences: "TIFF".
    endings : tuple of str
        In lower case with the dot: ".tif", ".ome.tif". Capitals make no difference.
    recognises : callable, optional
        Decides about a path in place of the endings. Looks at names only, never raises.
    open_maps : callable, optional
        Checks a file and lists its planes, or answers that it holds spectra. Takes the path, and
        ``dataset`` where ``has_datasets``.
    open_spectra : callable, optional
        Opens a spectrum image. Takes the same arguments.
    holds_spectra : callable, optional
        Looks into a file where the ending does not say that it holds spectra; never raises.
    holds_scan : bool
        Whether each file is a scan of its own, never the map of one element in a folder.
    has_datasets : bool
        Whether "file::/path" may name an array in the file.
    has_axes : bool
        Whether the user may say which axis of a stack counts the channels; the readers then take
        ``channels`` ("first" or "last"), too.
    has_numbers_beside : bool
        Whether a file is only the header, and its numbers are in another file of the same name.
    is_everyday : bool
        Whether most files with these endings are no maps, as photos are. napari is not told of
        them: it would ask at every photo which plugin shall open it. Folders are not concerned.
    kind : str
        What a file without a reader of maps is, for the report: "an archive".
    advice : str
        What to do with a file of this kind, which is then not read: "unpack it first".
    maps_in_docs, spectra_in_docs : tuples
        Rows of the tables in docs/formats.md.
    """

    name: str
    endings: tuple[str, ...]
    recognises: Callable[[Path], bool] | None = None
    open_maps: Callable[..., Opened] | None = None
    open_spectra: Callable[..., SpectrumImage] | None = None
    holds_spectra: Callable[[Path], bool] | None = None
    holds_scan: bool = False
    has_datasets: bool = False
    has_axes: bool = False
    has_numbers_beside: bool = False
    is_everyday: bool = False
    kind: str = ""
    advice: str = ""
    maps_in_docs: tuple[MapsInDocs, ...] = ()
    spectra_in_docs: tuple[SpectraInDocs, ...] = ()

    @property
    def is_read(self) -> bool:
        """Whether the files can be chosen in the window."""
        return self.open_maps is not None or self.open_spectra is not None

    @property
    def refusal(self) -> str:
        """What a file without a reader of maps is, and what to do with it."""
        return f"{self.kind}: {self.advice}" if self.advice else self.kind

    def takes(self, path: Path) -> bool:
        """Whether a file is of this format, by its name."""
        if self.recognises is not None:
            return self.recognises(path)
        # Without its first character, so that a hidden file ".tif" has no ending.
        return path.name[1:].lower().endswith(self.endings)
