"""The table of formats: one row for each, and the only place where a format is declared.

Reading, the file dialog, the refusal sentences and the tables in docs/formats.md come from these
rows. A new format needs its reader and a row here; then run ``python docs/write_formats.py``, and
write its endings into ``filename_patterns`` of napari.yaml (a test says which).
"""

from __future__ import annotations

from napari_mineral_anomaly.io.formats import ripple, vendors
from napari_mineral_anomaly.io.formats.arrays import matlab_maps, numpy_maps
from napari_mineral_anomaly.io.formats.arrays import spectra as numpy_spectra
from napari_mineral_anomaly.io.formats.envi import maps as envi_maps
from napari_mineral_anomaly.io.formats.envi import spectra as envi_spectra
from napari_mineral_anomaly.io.formats.format import Format, MapsInDocs, SpectraInDocs
from napari_mineral_anomaly.io.formats.hdf5 import maps as hdf5_maps
from napari_mineral_anomaly.io.formats.hdf5 import spectra as hdf5_spectra
from napari_mineral_anomaly.io.formats.text import matrix
from napari_mineral_anomaly.io.formats.tiff import maps as tiff_maps
from napari_mineral_anomaly.io.formats.zarr import maps as zarr_maps

TIFF = Format(
    "TIFF",
    (".tif", ".tiff"),
    open_maps=tiff_maps.open_maps,
    maps_in_docs=(
        MapsInDocs(
            what="folder of single-element TIFFs: 8 to 64 bit integers, float 16 to 64; strips, "
            "tiles, BigTIFF, both byte orders, compressed",
            element_from="file name, else the title inside",
            pixel_size_from="ImageJ, OME or TIFF resolution tags; screen resolutions such as "
            "72 dpi are not believed",
            tried_on="`pixl_castle_geyser` (float32, oxides), `semarkona_obj1` and "
            "`semarkona_standards` (uint32, prefix), `xminlearn` (uint8, colour table)",
            not_read="colour pictures; several values per pixel",
        ),
        MapsInDocs(
            what="one TIFF stack: pages, ImageJ stack or hyperstack, OME",
            element_from="ImageJ labels, OME channel names, PageName, PyMca `Title=`, short "
            "descriptions",
            pixel_size_from="the same",
            tried_on="no; written with tifffile",
            not_read="channels at several depths or times; OME images spread over several files",
        ),
    ),
)
TEXT = Format(
    "text",
    (".txt", ".csv", ".tsv", ".dat", ".asc", ".gz"),
    open_maps=matrix.open_maps,
    maps_in_docs=(
        MapsInDocs(
            what="folder of text matrices (`.txt .csv .tsv .dat .asc`, gzip too): comma, "
            "semicolon, tab or blanks, decimal commas, trailing separators, one heading line",
            element_from="file name (`Si Wt%.csv`)",
            pixel_size_from="typed",
            tried_on="`metapelite_arac01b` (comma + blank), `ironstone_muxrf` (semicolon), "
            "`chloritoid_epma` (tab), `xminlearn/text` (gzip)",
            not_read="Excel sheets: save as CSV",
        ),
        MapsInDocs(
            what="long table, a row per pixel (PyMca, CalcImage `.DAT`, PIXL): `;` `,` tab or "
            "blanks, quotes, decimal commas, rows in any order",
            element_from="headings; `s(...)` and other uncertainties are left out by name",
            pixel_size_from="X and Y columns in mm or µm; without a unit it is decided by the step",
            tried_on="`yellowstone_epma` (CalcImage)",
            not_read="incomplete grids (with the number of missing pixels), empty fields, points "
            "that lie on no grid, lines of one pixel",
        ),
    ),
)
NPY = Format(
    ".npy",
    (".npy",),
    open_maps=numpy_maps.open_npy,
    open_spectra=numpy_spectra.open_npy,
    holds_spectra=numpy_spectra.holds_spectra,
    maps_in_docs=(
        MapsInDocs(
            what="`.npy`: one map per file, or a stack",
            element_from="file name, or `scan.json` / `scan.txt` beside `scan.npy`",
            pixel_size_from="`pixel_size_um`, or `pixel_size` with `unit`, in `scan.json`",
            tried_on="no; written with numpy",
            not_read="pickled objects",
        ),
    ),
    spectra_in_docs=(SpectraInDocs("`.npy`", "no; written by our tests"),),
)
NPZ = Format(
    ".npz",
    (".npz",),
    open_maps=numpy_maps.open_npz,
    open_spectra=numpy_spectra.open_npz,
    holds_spectra=numpy_spectra.holds_spectra,
    holds_scan=True,
    has_datasets=True,
    maps_in_docs=(
        MapsInDocs(
            what="`.npz`: a stack, or a map per element",
            element_from="keys, or an array `elements`",
            pixel_size_from="`pixel_size_um`, or `pixel_size` with `unit`, in the file",
            tried_on="no; written with numpy",
            not_read="pickled objects",
        ),
    ),
    spectra_in_docs=(SpectraInDocs("`.npz`", "no; written by our tests"),),
)
MATLAB = Format(
    ".mat",
    (".mat",),
    open_maps=matlab_maps.open_maps,
    holds_scan=True,
    has_datasets=True,
    maps_in_docs=(
        MapsInDocs(
            what="MATLAB 5 and 7.3: scene `data` (H, W, C) with truth `map` (H, W), or a matrix "
            "per element",
            element_from="cell array `elements`, names of the matrices, else bands are numbered",
            pixel_size_from="typed",
            tried_on="five airborne scenes with truth, one of them in both versions",
            not_read="structs; spectra",
        ),
    ),
)
HDF5 = Format(
    "HDF5",
    (".h5", ".hdf5", ".hdf", ".he5", ".nxs"),
    open_maps=hdf5_maps.open_maps,
    open_spectra=hdf5_spectra.open_spectra,
    holds_spectra=hdf5_spectra.holds_spectra,
    holds_scan=True,
    has_datasets=True,
    maps_in_docs=(
        MapsInDocs(
            what="HDF5 (`.h5 .hdf5 .hdf .he5 .nxs`): XRF-Maps / MAPS (NNLS before Fitted before "
            "ROI), PyXRF (`detsum/xrf_fit`), PyMca fits and other groups of maps named by element",
            element_from="`Channel_Names`, `xrf_fit_name`, names of the datasets",
            pixel_size_from="scan axes, pixel positions, attributes `pixel_size_um`, "
            "`element_size_um`, or `pixel_size` with `unit`",
            tried_on="no; written in each layout with h5py",
            not_read="scalers; blocks that were never written",
        ),
    ),
    spectra_in_docs=(
        SpectraInDocs("HDF5: XRF-Maps, PyXRF, PyMca, NeXus", "no; written by our tests"),
    ),
)
ENVI = Format(
    "ENVI",
    (".hdr",),
    open_maps=envi_maps.open_maps,
    open_spectra=envi_spectra.open_spectra,
    holds_spectra=envi_spectra.holds_spectra,
    holds_scan=True,
    maps_in_docs=(
        MapsInDocs(
            what="ENVI `.hdr` with raw numbers beside it: bsq, bil, bip",
            element_from="`band names`",
            pixel_size_from="`pixel size` with units",
            tried_on="no; written by our tests",
            not_read="complex numbers",
        ),
    ),
    spectra_in_docs=(SpectraInDocs("ENVI", "no; written by our tests"),),
)
ZARR = Format(
    "Zarr",
    (".zarr",),
    recognises=zarr_maps.is_store,
    open_maps=zarr_maps.open_maps,
    holds_scan=True,
    has_datasets=True,
    maps_in_docs=(
        MapsInDocs(
            what="OME-Zarr 0.4 and 0.5, plain Zarr 2 and 3 (arrays with `elements` in the "
            "attributes, or a map per element)",
            element_from="omero channel labels, attributes, names of the arrays",
            pixel_size_from="multiscales scale, attributes as for HDF5",
            tried_on="no; written with zarr",
            not_read="zipped stores; spectra in Zarr",
        ),
    ),
)

_MAPS = (TIFF, TEXT, NPY, NPZ, MATLAB, HDF5, ENVI, ZARR)

_SPECTRA = (
    Format(
        "Ripple",
        (".rpl",),
        open_spectra=ripple.open_spectra,
        kind="a spectrum image (Ripple)",
        spectra_in_docs=(SpectraInDocs("Ripple `.rpl` + `.raw`", "`LagunaSalinas` (micro-XRF)"),),
    ),
    Format(
        "numbers of Ripple",
        (".raw",),
        open_spectra=ripple.open_spectra,
        kind="the raw numbers of a spectrum image",
        advice="open the .rpl beside it",
    ),
    Format(
        "Bruker",
        (".bcf",),
        open_spectra=vendors.open_bruker,
        kind="a spectrum image (Bruker)",
        spectra_in_docs=(
            SpectraInDocs("Bruker `.bcf`, experimental", "`chevkinite_30x30` (SEM-EDS)"),
        ),
    ),
    Format(
        "JEOL",
        (".pts", ".asw"),
        open_spectra=vendors.open_jeol,
        kind="a spectrum image (JEOL)",
        spectra_in_docs=(
            SpectraInDocs(
                "JEOL `.pts` `.asw`, experimental",
                "**no**: our tests write damaged files only, so compare every map with the "
                "maker's software",
            ),
        ),
    ),
    Format(
        "EDAX",
        (".spd",),
        open_spectra=vendors.open_edax,
        kind="a spectrum image (EDAX)",
        spectra_in_docs=(
            SpectraInDocs(
                "EDAX `.spd`, experimental",
                "**no**: our tests write a small `.spd` and damaged files only, so compare every "
                "map with the maker's software",
            ),
        ),
    ),
    Format(
        "HyperSpy",
        (".hspy",),
        open_spectra=hdf5_spectra.open_spectra,
        holds_spectra=hdf5_spectra.holds_spectra,
        has_datasets=True,
        kind="a spectrum image (HyperSpy)",
        spectra_in_docs=(SpectraInDocs("HyperSpy `.hspy`", "no; written by our tests"),),
    ),
)

PICTURE = Format(
    "picture",
    (".jpg", ".jpeg", ".png", ".bmp", ".gif", ".webp", ".svg", ".pdf"),
    kind="a picture, not counts",
)

_THROUGH_HYPERSPY = "open it in HyperSpy and save it as .hspy"
_ONE_SPECTRUM = "a spectrum without a map ({})"
_ITS_CUBE = "open the file with a spectrum for every pixel"

_NOT_READ = (
    PICTURE,
    Format("EMD", (".emd",), kind="an EMD file, which is not read", advice=_THROUGH_HYPERSPY),
    Format(
        "HyperSpy in Zarr",
        (".zspy",),
        kind="a HyperSpy file in Zarr, which is not read",
        advice=_THROUGH_HYPERSPY,
    ),
    Format(
        "Gatan", (".dm3", ".dm4"), kind="a Gatan file, which is not read", advice=_THROUGH_HYPERSPY
    ),
    Format("spectrum", (".msa", ".emsa"), kind=_ONE_SPECTRUM.format("EMSA/MAS"), advice=_ITS_CUBE),
    Format("Bruker spectrum", (".spx",), kind=_ONE_SPECTRUM.format("Bruker"), advice=_ITS_CUBE),
    Format("EDAX spectrum", (".spc",), kind=_ONE_SPECTRUM.format("EDAX"), advice=_ITS_CUBE),
    Format("MCA spectrum", (".mca",), kind=_ONE_SPECTRUM.format("MCA"), advice=_ITS_CUBE),
    Format(
        "Bruker report",
        (".rtx",),
        kind="a Bruker report file",
        advice="export the maps as TIFF or text from the instrument's program",
    ),
    Format(
        "ESRF data",
        (".edf",),
        kind="an ESRF data file",
        advice="export the maps as TIFF or text, for example from PyMca",
    ),
    Format(
        "Excel",
        (".xlsx", ".xlsm", ".xls"),
        kind="an Excel sheet",
        advice="open it in Excel and choose File > Save As > CSV (Comma delimited)",
    ),
    Format(
        "OpenDocument",
        (".ods",),
        kind="a spreadsheet",
        advice="open it and choose File > Save As > Text CSV",
    ),
    Format("archive", (".zip", ".7z", ".rar"), kind="an archive", advice="unpack it first"),
)

# The order decides which file is used where a folder holds one element in two formats.
FORMATS = _MAPS + _SPECTRA + _NOT_READ
