"""The ingest report as values: what a reader used and ignored, and what the checks found."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict

from napari_mineral_anomaly.printable import one_line, shown

# 2: statistics, spikes, context, valid area, pairs, spot size; 3: steps, to_decide, size and last
# change of each file (keys were only added).
SCHEMA_VERSION = 3


# Names and sentences may hold whatever stands on a disk or in a file; here they are printable.
Name = Annotated[str, BeforeValidator(lambda text: shown(text) if isinstance(text, str) else text)]
Words = Annotated[
    str, BeforeValidator(lambda text: one_line(text) if isinstance(text, str) else text)
]


class _Value(BaseModel):
    model_config = ConfigDict(frozen=True)


class MappedLine(_Value):
    """One element map: its line, its window in keV, and how clearly the sum spectrum shows it.

    ``significance`` is in standard errors (see `spectra.suggest`); None for elements that the user
    named. ``declared``: the file lists the element.
    """

    element: str
    line: str
    line_kev: float
    low_kev: float
    high_kev: float
    significance: float | None = None
    declared: bool = False


class OverlapCounts(_Value):
    """How much of one element's signal falls into another's window.

    ``victim`` and ``partner`` are symbols; ``victim_line`` is the line of the window,
    ``partner_line`` the partner's line that adds most, ``distance_ev`` the partner's line minus the
    victim's. ``share`` is the counts in the victim's window per count in the main peak (Ka, La or
    Ma) of the partner's shell.
    """

    victim: str
    partner: str
    victim_line: str
    partner_line: str
    distance_ev: float
    share: float


class SpectrumReport(_Value):
    """How maps were made from a spectrum image.

    ``calibration_source`` is "the file" or "typed by the user". ``beam_source`` says where
    ``beam_kev`` is from; where ``beam_is_estimate`` it is from the end of the continuum, or from
    the elastic peak of a monochromatic beam.
    """

    n_channels: int
    offset_kev: float
    gain_kev: float
    calibration_source: str
    beam_kev: float
    beam_is_estimate: bool
    background: str
    elements: tuple[MappedLine, ...]
    overlaps: tuple[OverlapCounts, ...]
    beam_source: Literal["file", "typed", "spectrum"] = "file"
    is_monochromatic: bool = False


class UsedMap(_Value):
    """One element map that was read.

    ``file`` is the path below the folder that was opened. ``page`` is the number of the plane in
    its file, from 1 (None where the file holds one plane). ``dtype`` is that of the file; the cube
    holds all maps in one common dtype that changes no value.

    Counts of pixels: ``nan`` not finite, ``zero``, ``negative``, ``saturated`` (at the top of an
    integer dtype), ``spikes`` (far above all eight neighbours in this element only). ``min``,
    ``max`` and ``mean`` are of the finite pixels, None where there are none. ``dead_rows`` and
    ``dead_columns`` count from 0. ``counted`` is the number of pixels that were read where these
    were not all, as in a scan larger than memory. ``n_bytes`` and ``modified`` (ISO 8601, UTC) are
    size and last change of the file when it was read.
    """

    file: Name
    element: Name
    dtype: str
    shape: tuple[int, int]
    nan: int
    zero: int
    negative: int
    saturated: int
    page: int | None = None
    min: float | None = None
    max: float | None = None
    mean: float | None = None
    spikes: int = 0
    dead_rows: tuple[int, ...] = ()
    dead_columns: tuple[int, ...] = ()
    counted: int | None = None
    n_bytes: int | None = None
    modified: str | None = None


class IgnoredFile(_Value):
    """One file that was not read as an element map, and why, in words."""

    file: Name
    reason: Words


class UndecidedMap(_Value):
    """Something that has the shape of the maps, but names no element: the user decides.

    ``file`` is what to type for it: ``--name "file=Element"``. A plane of a file has its number
    behind "#". ``why`` says, in words, what its name lacks.
    """

    file: str
    shape: tuple[int, int]
    dtype: str
    why: str

    @property
    def answer(self) -> str:
        """What to type, on the command line."""
        return f'--name "{self.file}=Element"'


class Companion(_Value):
    """One image beside the maps: offered as context, or not, with the reason."""

    file: Name
    name: Name
    kind: Literal["bse", "optical", "phase", "mask", "other"]
    shape: tuple[int, int] | None
    offered: bool
    reason: Words = ""


class ValidAreaCounts(_Value):
    """Counts of valid pixels and of those left out; ``origin`` as in `ValidArea`."""

    origin: Literal["found", "given"]
    n_pixels: int
    n_valid: int
    n_missing: int
    n_zero: int
    n_off_sample: int
    reason: str = ""


class MapPair(_Value):
    """Two maps that agree: Pearson's ``r`` over the valid pixels.

    ``first`` is the weaker map, which may follow the other. ``lines`` names the X-ray lines that
    overlap ("Ba La, Ti Ka, 45 eV apart"), "" if none do.
    """

    first: str
    second: str
    r: float
    lines: str = ""


class IngestReport(_Value):
    """What `read_maps` did; ``model_dump(mode="json")`` is ingest.json.

    ``pixel_size_um`` is (y, x) or None; ``pixel_size_source`` says in words where it came from.
    ``spot_size_um`` is the diameter of the beam, if given. ``spectra`` says where the spectra of
    the pixels are, ``context`` lists the images beside the maps, ``spectrum`` says how maps were
    made from spectra. ``steps`` says, in words, all that was done to the stored numbers and how the
    files were understood (scales, missing values, orientation, order of axes, decimal sign ...).
    ``to_decide`` lists what has the shape of the maps, but names no element.
    """

    schema_version: int = SCHEMA_VERSION
    to_decide: tuple[UndecidedMap, ...] = ()
    used: tuple[UsedMap, ...] = ()
    ignored: tuple[IgnoredFile, ...] = ()
    pixel_size_um: tuple[float, float] | None = None
    pixel_size_source: Words = "unknown"
    warnings: tuple[Words, ...] = ()
    spot_size_um: float | None = None
    context: tuple[Companion, ...] = ()
    valid_area: ValidAreaCounts | None = None
    pairs: tuple[MapPair, ...] = ()
    spectra: str | None = None
    spectrum: SpectrumReport | None = None
    steps: tuple[Words, ...] = ()
