"""`ElementCube`: the element maps of one scan, in the file's own numbers."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from napari_mineral_anomaly.errors import InputError
from napari_mineral_anomaly.scan.context import ContextImage
from napari_mineral_anomaly.scan.lazy_rows import LazyRows
from napari_mineral_anomaly.scan.plausible import require_plausible_length
from napari_mineral_anomaly.scan.spectra import SpectrumImage
from napari_mineral_anomaly.words import sizes

if TYPE_CHECKING:
    # Imported late: they need pydantic and scipy, which take a second.
    from napari_mineral_anomaly.scan.report import IngestReport
    from napari_mineral_anomaly.scan.valid_area import ValidArea

Quantity = Literal["counts", "concentration", "reflectance", "unknown"]
QUANTITIES: tuple[str, ...] = get_args(Quantity)

# Blocks of about this many pixels keep float32 working copies of 40 elements under 200 MB.
BLOCK_PIXELS = 1_000_000

# This share of the numbers does not decide what they are: glitches of an instrument are rarer.
_ABSURD_SHARE = 1e-4

# What belongs to the whole area of a scan.
_NOTHING_BESIDE: dict[str, Any] = {"spectra": None, "context": (), "report": None}


class ElementCube:
    """Element maps of one scan, one plane per element.

    Parameters
    ----------
    maps : array (C, H, W)
        One plane per element, in the native dtype of the files; numpy or lazy (anything with
        ``shape``, ``dtype`` and slicing, such as dask or zarr). Never converted or copied here,
        but for a masked array: its masked numbers become NaN.
    elements : sequence of str
        C unique names.
    pixel_size : float or (float, float), optional
        µm, or (y, x) in µm; None when unknown.
    valid : array (H, W) of bool, optional
        The area that holds sample. Default: `valid_area.locate_sample`, which leaves out pixels
        that are missing, zero in every element, or off the sample. It is computed at first use, so
        that a lazy cube can be opened and shown without being read.
    quantity : {"counts", "concentration", "reflectance", "unknown"}, optional
        What the numbers are. Default: decided from the data at first use (`guess_quantity`).
    source : str, optional
        Where the maps came from, for people.
    report : IngestReport or callable, optional
        What the reader used and ignored, and why; or a function of the cube that makes the
        report at first use.
    spectra : SpectrumImage, optional
        The spectrum of every pixel, where the maps were made from spectra; stays lazy.
    context : sequence of ContextImage, optional
        Images in register beside the maps (electron image, optical picture, phase map). They are
        only shown; they are never part of the maps.
    missing : sequence of float, optional
        Numbers that mark missing pixels in any map; () for none. Default: negative numbers that
        stand in blocks far below everything else (`sentinels.negative_markers`). The maps are not
        altered: such pixels are outside ``valid`` where it is found, and count as NaN in a given
        one.

    Raises
    ------
    InputError
        When shapes, names, pixel size and valid area do not agree.
    """

    def __init__(
        self,
        maps: Any,
        elements: Sequence[str],
        pixel_size: float | Sequence[float] | None = None,
        valid: ArrayLike | None = None,
        quantity: Quantity | None = None,
        source: str | None = None,
        report: IngestReport | Callable[[ElementCube], IngestReport] | None = None,
        spectra: SpectrumImage | None = None,
        context: Sequence[ContextImage] = (),
        missing: Sequence[float] | None = None,
    ) -> None:
        if not hasattr(maps, "shape") or not hasattr(maps, "dtype"):
            maps = _as_array(maps)
        if isinstance(maps, np.ma.MaskedArray):
            maps = _unmasked(maps)
        if len(maps.shape) != 3:
            raise InputError(
                f"Element maps must be a stack (elements, rows, columns); "
                f"got an array of shape {tuple(maps.shape)}."
            )
        if 0 in maps.shape:
            raise InputError(f"The element maps are empty: shape {tuple(maps.shape)}.")
        if np.dtype(maps.dtype).kind not in "uifb":
            raise InputError(f"Element maps must be real numbers; got dtype {maps.dtype}.")
        names = _checked_names(elements)
        if len(names) != maps.shape[0]:
            raise InputError(f"{maps.shape[0]} element maps but {len(names)} element names.")
        if len(set(names)) != len(names):
            twice = sorted({name for name in names if names.count(name) > 1})
            raise InputError(f"Element names must be unique; given twice: {', '.join(twice)}.")
        if quantity is not None and quantity not in QUANTITIES:
            raise InputError(f"quantity must be one of {', '.join(QUANTITIES)}; got {quantity!r}.")
        self._maps = maps
        self._elements = names
        self._pixel_size = _checked_pixel_size(pixel_size)
        self._valid = None if valid is None else _checked_valid(valid, self.shape)
        self._valid_area: ValidArea | None = None
        self._lazy_rows: LazyRows | None = None
        self._quantity = quantity
        self._source = source
        self._report = report
        if spectra is not None and spectra.shape != self.shape:
            raise InputError(
                f"The spectra cover {sizes(spectra.shape)} pixels, "
                f"the element maps {sizes(self.shape)}."
            )
        self._spectra = spectra
        odd = next((image for image in context if image.shape != self.shape), None)
        if odd is not None:
            raise InputError(
                f"The image {odd.name} has {sizes(odd.shape)} pixels, "
                f"the element maps {sizes(self.shape)}."
            )
        self._context = tuple(context)
        self._missing = None if missing is None else _checked_missing(missing)
        self._markers: Mapping[int, tuple[float, ...]] | None = None

    @property
    def maps(self) -> Any:
        """The planes (C, H, W) in their native dtype, numpy or lazy."""
        return self._maps

    @property
    def elements(self) -> tuple[str, ...]:
        """The C element names."""
        return self._elements

    @property
    def pixel_size(self) -> tuple[float, float] | None:
        """Pixel size (y, x) in µm, or None when unknown."""
        return self._pixel_size

    @property
    def source(self) -> str | None:
        """Where the maps came from."""
        return self._source

    @property
    def report(self) -> IngestReport | None:
        """What the reader used and ignored; None for arrays made in memory.

        Reads the maps on first use.
        """
        if callable(self._report):
            self._report = self._report(self)
        return self._report

    @property
    def context(self) -> tuple[ContextImage, ...]:
        """Images in register beside the maps."""
        return self._context

    @property
    def spectra(self) -> SpectrumImage | None:
        """The spectrum of every pixel, read at use; None for maps without spectra."""
        return self._spectra

    @property
    def shape(self) -> tuple[int, int]:
        """(H, W) in pixels."""
        return int(self._maps.shape[1]), int(self._maps.shape[2])

    @property
    def is_lazy(self) -> bool:
        """Whether the maps stay in their files and are read in parts."""
        return not isinstance(self._maps, np.ndarray)

    @property
    def n_elements(self) -> int:
        """Number of element maps C."""
        return len(self._elements)

    @property
    def valid(self) -> NDArray[np.bool_]:
        """(H, W) bool: the area that holds sample (reads the maps on first use)."""
        if self._valid is None:
            from napari_mineral_anomaly.scan.valid_area import locate_sample

            # A lazy cube is searched for markers where it is read for its area.
            known = None if self.is_lazy and self._missing is None else self.markers
            self._valid_area = locate_sample(self._maps, self._elements, self.quantity, known)
            self._valid = self._valid_area.mask
        return self._valid

    @property
    def valid_area(self) -> ValidArea:
        """The valid area and its origin: given, or found, with counts of what was left out."""
        valid = self.valid
        if self._valid_area is None:
            from napari_mineral_anomaly.scan.valid_area import ValidArea

            self._valid_area = ValidArea(valid, "given")
        return self._valid_area

    @property
    def n_valid(self) -> int:
        """Number of valid pixels."""
        return int(np.count_nonzero(self.valid))

    @property
    def quantity(self) -> Quantity:
        """What the numbers are; decided from the data where it was not given."""
        if self._quantity is None:
            self._quantity = guess_quantity(self)
        return self._quantity

    @property
    def markers(self) -> Mapping[int, tuple[float, ...]]:
        """Numbers that mark missing pixels, by the position of the map, see ``missing``.

        Reads maps in memory on first use. Lazy ones are not read: only markers that were given are
        known.
        """
        if self._markers is None:
            if self._missing is not None or self.is_lazy:
                given = self._missing or ()
                self._markers = dict.fromkeys(range(self.n_elements), given) if given else {}
            else:
                from napari_mineral_anomaly.scan.sentinels import negative_markers

                self._markers = negative_markers(self._maps)
        return self._markers

    def as_measured(self, index: int, values: NDArray[Any]) -> NDArray[Any]:
        """Some numbers of one element map, with NaN for those that mark missing pixels.

        The values themselves where none does.
        """
        from napari_mineral_anomaly.scan.sentinels import without

        if values.dtype.kind == "f" and values.dtype.itemsize >= 4:
            values = without(values, (-np.inf, np.inf))
        numbers = self.markers.get(index)
        return without(values, numbers) if numbers else values

    def plane(self, index: int) -> NDArray[Any]:
        """One element map (H, W) as numpy, in its native dtype."""
        return np.asarray(self._maps[index])

    def block(self, rows: slice, columns: slice = slice(None)) -> NDArray[np.float32]:
        """A working copy (C, h, w) of some rows and columns in float32, NaN kept."""
        return self.stored(rows, columns).astype(np.float32)

    def stored(self, rows: slice, columns: slice = slice(None)) -> NDArray[Any]:
        """Some rows and columns (C, h, w) in the native dtype; may be a view, not to be altered."""
        if self.is_lazy and hasattr(self._maps, "chunksize"):
            self._lazy_rows = self._lazy_rows or LazyRows(self._maps)
            return self._lazy_rows.read(rows, columns)
        return np.asarray(self._maps[:, rows, columns])

    def in_memory(self) -> ElementCube:
        """The same scan with its maps read into memory, in their native dtype."""
        return self.some_rows(list(self.row_blocks())) if self.is_lazy else self

    def some_rows(self, bands: Sequence[slice]) -> ElementCube:
        """Bands of rows one below the other, read into memory in their native dtype.

        Spectra and context images stay behind, unless all rows are taken.
        """
        sizes = [range(*band.indices(self.shape[0])) for band in bands]
        height = sum(len(rows) for rows in sizes)
        maps = np.empty((self.n_elements, height, self.shape[1]), dtype=self._maps.dtype)
        valid = np.empty(maps.shape[1:], dtype=bool)
        at = 0
        for band, rows in zip(bands, sizes, strict=True):
            part = slice(at, at + len(rows))
            maps[:, part] = self.stored(band)
            valid[part] = self.valid[band]
            at = part.stop
        beside: dict[str, Any] = {} if maps.shape[1:] == self.shape else _NOTHING_BESIDE
        # Markers are searched for in maps that are in memory; these stay those of the whole scan.
        cube = self.replace(maps=maps, valid=valid, quantity=self.quantity, **beside)
        cube._markers = self.markers
        return cube

    def row_blocks(self, max_pixels: int = BLOCK_PIXELS) -> Iterator[slice]:
        """Slices of rows that together cover the scan, each of at most ``max_pixels`` pixels."""
        height, width = self.shape
        step = max(1, max_pixels // width)
        for start in range(0, height, step):
            yield slice(start, min(start + step, height))

    def replace(self, **changes: Any) -> ElementCube:
        """A cube with some constructor arguments changed; the maps are shared, not copied."""
        arguments: dict[str, Any] = {
            "maps": self._maps,
            "elements": self._elements,
            "pixel_size": self._pixel_size,
            "valid": self._valid,
            "quantity": self._quantity,
            "source": self._source,
            "report": self._report,
            "spectra": self._spectra,
            "context": self._context,
            "missing": self._missing,
        }
        cube = ElementCube(**(arguments | changes))
        if not {"maps", "missing"} & set(changes):
            cube._markers = self._markers
            if "valid" not in changes:
                cube._valid_area = self._valid_area
        return cube

    def __repr__(self) -> str:
        height, width = self.shape
        size = "unknown" if self._pixel_size is None else f"{self._pixel_size} µm"
        return (
            f"ElementCube({self.n_elements} elements, {height} x {width} px, "
            f"{self._maps.dtype}, pixel size {size})"
        )


def guess_quantity(cube: ElementCube) -> Quantity:
    """Decide what the numbers are from 64 to 127 rows, evenly spread over the scan.

    A scan of fewer than 128 rows is read whole.

    Non-negative whole numbers of any dtype are counts; fractions between 0 and about 100 are
    concentrations (weight per cent); anything else is "unknown". Numbers that mark missing pixels
    do not count, and one absurd number in ten thousand changes nothing. Our choice: it only selects
    the variance-stabilising transform, and every run records it.
    """
    height, _ = cube.shape
    rows = slice(None, None, max(1, height // 64))
    stored = np.asarray(cube.maps[:, rows, :])
    measured = [cube.as_measured(c, plane).ravel() for c, plane in enumerate(stored)]
    sample = np.concatenate(measured).astype(np.float64)
    sample = sample[np.isfinite(sample)]
    if sample.size == 0:
        return "unknown"
    n_absurd = int(_ABSURD_SHARE * sample.size)
    if np.count_nonzero((sample < 0) | (sample != np.rint(sample))) <= n_absurd:
        return "counts"
    if np.count_nonzero((sample < -1.0) | (sample > 101.0)) <= n_absurd:
        return "concentration"
    return "unknown"


def _as_array(maps: Any) -> NDArray[Any]:
    try:
        return np.asarray(maps)
    except ValueError:
        raise InputError(
            "Element maps must be a stack (elements, rows, columns); the given maps differ in "
            "shape."
        ) from None


def _unmasked(maps: np.ma.MaskedArray[Any, Any]) -> NDArray[Any]:
    """A masked array as a plain one: NaN where it is masked, the dtype kept where nothing is."""
    if not np.ma.is_masked(maps) or maps.dtype.kind not in "uifb":
        return np.asarray(maps.data)
    filled = np.asarray(maps.data).astype(np.result_type(maps.dtype, np.float32))
    filled[np.ma.getmaskarray(maps)] = np.nan
    return filled


def _checked_names(elements: Sequence[str]) -> tuple[str, ...]:
    if isinstance(elements, str) or not isinstance(elements, Iterable):
        raise InputError(f"Element names must be a list, one name per map; got {elements!r}.")
    names = tuple("" if name is None else str(name) for name in elements)
    if any(not name.strip() for name in names):
        raise InputError(f"Element names must not be empty; got {list(elements)!r}.")
    return names


def _checked_missing(missing: Sequence[float]) -> tuple[float, ...]:
    try:
        numbers = tuple(float(number) for number in np.atleast_1d(np.asarray(missing)))
    except (TypeError, ValueError):
        numbers = (np.nan,)
    if not all(np.isfinite(numbers)):
        raise InputError(f"Missing values must be finite numbers; got {missing!r}.")
    return numbers


def _checked_pixel_size(
    pixel_size: float | Sequence[float] | None,
) -> tuple[float, float] | None:
    if pixel_size is None:
        return None
    try:
        sizes = tuple(float(value) for value in np.atleast_1d(np.asarray(pixel_size, dtype=float)))
    except (TypeError, ValueError):
        sizes = ()
    if len(sizes) == 1:
        sizes = (sizes[0], sizes[0])
    if len(sizes) != 2 or not all(np.isfinite(s) and s > 0 for s in sizes):
        raise InputError(
            f"The pixel size must be one or two positive numbers in µm (y, x); got {pixel_size}."
        )
    y, x = (require_plausible_length(size, "pixel size") for size in sizes)
    return y, x


def _checked_valid(valid: ArrayLike, shape: tuple[int, int]) -> NDArray[np.bool_]:
    given = np.asarray(valid)
    if given.dtype.kind not in "uifb":
        raise InputError(f"The valid area must be an array of numbers or bool; got {given.dtype}.")
    if given.shape != shape:
        raise InputError(
            f"The valid area is {sizes(given.shape) or 'one'} pixels, the element maps are "
            f"{sizes(shape)}."
        )
    mask = np.array(given, dtype=bool)  # a copy: later changes of the argument do not matter
    if given.dtype.kind == "f":
        mask &= ~np.isnan(given)
    mask.setflags(write=False)
    return mask
