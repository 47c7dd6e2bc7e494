"""The table of formats: one row for each, and the only place where a format is declared.

Reading, the file dialog, the refusal sentences and the tables in docs/formats.md come from these
rows. A new format needs its reader and a row here; then run ``python docs/write_formats.py``, and
write its endings into ``filename_patterns`` of napari.yaml (a test says which).
"""

from __future__ import annotations

from napari_mineral_anomaly.io.formats import edf, pictures, ripple, ripple_maps, vendors
from napari_mineral_anomaly.io.formats.arrays import matlab_maps, numpy_maps
from napari_mineral_anomaly.io.formats.arrays import spectra as numpy_spectra
from napari_mineral_anomaly.io.formats.envi import maps as envi_maps
from napari_mineral_anomaly.io.formats.envi import spectra as envi_spectra
from napari_mineral_anomaly.io.formats.format import Format, MapsInDocs, SpectraInDocs
from napari_mineral_anomaly.io.formats.hdf5 import emd, hyperspy
from napari_mineral_anomaly.io.formats.hdf5 import maps as hdf5_maps
from napari_mineral_anomaly.io.formats.hdf5 import spectra as hdf5_spectra
from napari_mineral_anomaly.io.formats.text import excel, matrix
from napari_mineral_anomaly.io.formats.tiff import maps as tiff_maps
from napari_mineral_anomaly.io.formats.zarr import hyperspy as zarr_hyperspy
from napari_mineral_anomaly.io.formats.zarr import maps as zarr_maps

TIFF = Format(
    "TIFF",
    (".tif", ".tiff"),
    open_maps=tiff_maps.open_maps,
    maps_in_docs=(
        MapsInDocs(
            what="folder of single-element TIFFs: 8 to 64 bit integers, float 16 to 64; strips, "
            "tiles, BigTIFF, both byte orders, compressed",
            element_from="file name, else the title inside, else told by the user",
            pixel_size_from="ImageJ (all units, `yunit`), OME, GeoTIFF or TIFF resolution tags, "
            "tags of Zeiss and FEI microscopes, world files with a unit beside them (`.aux.xml`, "
            "`.prj`); screen resolutions such as 72 dpi are not believed; without a unit it is "
            "asked",
            tried_on="`pixl_castle_geyser` (float32, oxides), `semarkona_obj1` and "
            "`semarkona_standards` (uint32, prefix), `xminlearn` (uint8, colour table)",
            not_read="colour pictures; 3 or 4 unnamed values of 8 bits per pixel",
        ),
        MapsInDocs(
            what="one TIFF stack: pages, ImageJ stack or hyperstack along one axis, OME (one image "
            "with channels, or an image per element; also split into a file per channel, in one "
            "folder)",
            element_from="ImageJ labels, OME channel and image names, PageName, PyMca `Title=`, "
            "short descriptions",
            pixel_size_from="the same",
            tried_on="no; written with tifffile",
            not_read="planes along two axes (channels at several depths or times); several OME "
            "stacks in one file; MetaMorph stacks",
        ),
        MapsInDocs(
            what="multi-band GeoTIFF (GDAL, QGIS): a map per band, bands chunky or planar",
            element_from="GDAL's band descriptions",
            pixel_size_from="GeoTIFF tags with a unit; without one it is asked",
            tried_on="no; written with GDAL and tifffile",
            not_read="several pages of several bands",
        ),
        MapsInDocs(
            what="in all TIFFs, applied and said: GDAL's missing value, mask pages, `.msk` files, "
            "transparency beside bands, GDAL's scale and offset (also in `.aux.xml`), ImageJ's "
            "calibration functions, the tag Orientation",
            element_from="",
            pixel_size_from="",
            tried_on="no; written with GDAL and tifffile",
        ),
    ),
)
TEXT = Format(
    "text",
    (".txt", ".csv", ".tsv", ".dat", ".asc", ".xyz", ".gz"),
    open_maps=matrix.open_maps,
    maps_in_docs=(
        MapsInDocs(
            what="folder of text matrices (`.txt .csv .tsv .dat .asc`, gzip too): comma, "
            "semicolon, tab, bar or blanks, quotes; decimal points or commas, signs for thousands; "
            "UTF-8, UTF-16, code page 1252; lines of text above and below; numbers or positions in "
            "the first row and column; ESRI grids (`.asc`) with their `NODATA_value`",
            element_from="file name (`Si Wt%.csv`)",
            pixel_size_from="positions with a unit in the first row and column, else typed",
            tried_on="`metapelite_arac01b` (comma + blank), `ironstone_muxrf` (semicolon), "
            "`chloritoid_epma` (tab), `xminlearn/text` (gzip)",
            not_read="Surfer grids; numbers such as 1,234 that may be "
            "1234 or 1.234; two maps in one file",
        ),
        MapsInDocs(
            what="long table, a row per pixel (PyMca, CalcImage `.DAT`, PIXL), or a row for each "
            "value (x, y, element, value), or one table `x y value` per element (`.xyz`): written "
            "in the same ways, rows in any order",
            element_from="headings and numbers; uncertainties, mass fractions beside counts, "
            "ratios, limits and numbering are left out; for `x y value` the file name",
            pixel_size_from="X and Y columns with a unit of length; without one it is asked",
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
    has_axes=True,
    maps_in_docs=(
        MapsInDocs(
            what="`.npy`: one map per file, or a stack in either order of axes, both byte orders, "
            "rows or columns first; structured arrays with a map per field",
            element_from="file name, `scan.json` / `scan.txt` beside `scan.npy`, names of the "
            "fields",
            pixel_size_from="`pixel_size_um`, or `pixel_size` with `unit`, in `scan.json`",
            tried_on="no; written with numpy",
            not_read="pickled objects, complex numbers",
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
    has_axes=True,
    holds_scan=True,
    has_datasets=True,
    maps_in_docs=(
        MapsInDocs(
            what="`.npz`: a stack, a map per element, or laser maps of pewlib (structured array);"
            " a `mask` of the shape of the stack marks missing values",
            element_from="keys, an array `elements`, or names of the fields",
            pixel_size_from="`pixel_size_um`, or `pixel_size` with `unit`, in the file; pewlib: "
            "settings of the laser",
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
    has_axes=True,
    holds_scan=True,
    has_datasets=True,
    maps_in_docs=(
        MapsInDocs(
            what="MATLAB 5 and 7.3: scene `data` (H, W, C) with truth `map` (H, W), or (C, H, W) "
            "where names, truth or the user say so; or a matrix per element, sparse and logical "
            "ones too; variables of one struct",
            element_from="cell array or char matrix `elements`, names of the matrices, else bands "
            "are numbered",
            pixel_size_from="typed",
            tried_on="five airborne scenes with truth, one of them in both versions",
            not_read="arrays of strings (save them as cellstr), tables, nested structs, complex "
            "numbers; spectra",
        ),
    ),
)
_XRM = MapsInDocs(
    what="HDF5 of xraylarch and GSECARS (_XRM 1.0 to 2.1): windows of the summed detectors, "
    "corrected for dead time; raw counts and single detectors by their path",
    element_from="names of the windows",
    pixel_size_from="positions of the stage in mm",
    tried_on="no; written by our tests in the layout of xraylarch 2026.3",
    not_read="tomography, diffraction",
)
HDF5 = Format(
    "HDF5",
    (".h5", ".hdf5", ".hdf", ".he5", ".nxs"),
    open_maps=hdf5_maps.open_maps,
    open_spectra=hdf5_spectra.open_spectra,
    holds_spectra=hdf5_spectra.holds_spectra,
    has_axes=True,
    holds_scan=True,
    has_datasets=True,
    maps_in_docs=(
        MapsInDocs(
            what="HDF5 (`.h5 .hdf5 .hdf .he5 .nxs`, and HDF5 under other endings such as `.h50` or "
            "`.nc`): XRF-Maps / MAPS (NNLS before Fitted before ROI), PyXRF (`detsum/xrf_fit`), "
            "PyMca fits (counts before mass fractions), NXdata, netCDF-4 and other groups of maps "
            "named by element; axes in the order that the file names; missing and packed values",
            element_from="`Channel_Names`, `xrf_fit_name`, names of the datasets, a list "
            "`elements` beside the stack or in its attributes",
            pixel_size_from="axes with units, scan axes, pixel positions, attributes "
            "`pixel_size_um`, `element_size_um`, or `pixel_size` with `unit`",
            tried_on="no; written in each layout with h5py, netCDF by xarray",
            not_read="scalers; previews, masks and tables; blocks that were never written; links "
            "to other files and numbers in raw files; virtual datasets with sources outside the "
            "folder; filters that are not installed (`hdf5plugin`)",
        ),
        _XRM,
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
    has_numbers_beside=True,
    holds_scan=True,
    maps_in_docs=(
        MapsInDocs(
            what="ENVI `.hdr` with plain numbers beside it: bsq, bil, bip; `data ignore value`, "
            "gains and offsets, `reflectance scale factor` and `bbl` are applied",
            element_from="`band names`; `wavelength` in a unit of light gives `650 nm`; names "
            "that only count (B1 to B40) are no elements",
            pixel_size_from="`pixel size`, `map info`, each with its units",
            tried_on="no; written with Spectral Python and by our tests",
            not_read="complex or compressed numbers, class maps, spectral libraries, frame "
            "offsets, headers of other files (TIFF, meta files)",
        ),
    ),
    spectra_in_docs=(SpectraInDocs("ENVI", "no; written by our tests"),),
)
ZARR = Format(
    "Zarr",
    (".zarr",),
    recognises=zarr_maps.is_store,
    open_maps=zarr_maps.open_maps,
    has_axes=True,
    holds_scan=True,
    has_datasets=True,
    maps_in_docs=(
        MapsInDocs(
            what="OME-Zarr up to 0.5 (also the one image of bioformats2raw), plain Zarr 2 and 3 "
            "(arrays with `elements` in the attributes, or a map per element), datasets of xarray; "
            "axes in the order that the store names; missing and packed values",
            element_from="omero channel labels, attributes, names of the arrays",
            pixel_size_from="multiscales scale with the unit of each axis, positions along `x` and "
            "`y`, attributes as for HDF5",
            tried_on="no; written with zarr and xarray",
            not_read="zipped stores; spectra in Zarr; label images, plates of wells; links out of "
            "the store",
        ),
    ),
)

HYPERSPY = Format(
    "HyperSpy",
    (".hspy",),
    open_maps=hyperspy.open_maps,
    open_spectra=hdf5_spectra.open_spectra,
    holds_spectra=hdf5_spectra.holds_spectra,
    has_datasets=True,
    kind="a spectrum image (HyperSpy)",
    maps_in_docs=(
        MapsInDocs(
            what="HyperSpy `.hspy`: a map per file, or several in one; a stack of a few maps",
            element_from="file name, else the X-ray line in the metadata, else the title; in a "
            "stack those of the signals that HyperSpy's `stack` took",
            pixel_size_from="axes x and y with their units",
            tried_on="no; written by HyperSpy 2.5",
            not_read="signals without a map",
        ),
    ),
    spectra_in_docs=(
        SpectraInDocs("HyperSpy `.hspy`, axes in any order", "no; written by HyperSpy 2.5"),
    ),
)
RIPPLE = Format(
    "Ripple",
    (".rpl",),
    open_maps=ripple_maps.open_maps,
    open_spectra=ripple.open_spectra,
    holds_spectra=ripple.holds_spectra,
    has_numbers_beside=True,
    maps_in_docs=(
        MapsInDocs(
            what="folder of single maps as Ripple `.rpl` + `.raw` (depth 1), as HyperSpy saves "
            "them",
            element_from="file name, else `title` in the header",
            pixel_size_from="`width-scale` and `height-scale` with their units",
            tried_on="no; written with RosettaSciIO",
            not_read="several bands in one file that are no spectra",
        ),
    ),
    spectra_in_docs=(SpectraInDocs("Ripple `.rpl` + `.raw`", "`LagunaSalinas` (micro-XRF)"),),
)

EMD = Format(
    "EMD",
    (".emd",),
    open_maps=emd.open_maps,
    has_datasets=True,
    maps_in_docs=(
        MapsInDocs(
            what="EMD: the open format of NCEM, as HyperSpy writes it, a map per file or several "
            "in one, columns before rows where the axes have no names; pictures of Velox",
            element_from="file name, else name of the signal; Velox: label of the display",
            pixel_size_from="axes with units; Velox: metadata of the picture",
            tried_on="no; written by HyperSpy 2.5; Velox by our tests in the layout that "
            "RosettaSciIO reads",
            not_read="spectra: save them as `.hspy`; series of frames",
        ),
    ),
)
ZSPY = Format(
    "HyperSpy in Zarr",
    (".zspy",),
    open_maps=zarr_hyperspy.open_maps,
    has_datasets=True,
    maps_in_docs=(
        MapsInDocs(
            what="HyperSpy `.zspy`: as `.hspy`",
            element_from="file name, else the X-ray line in the metadata, else the title",
            pixel_size_from="axes x and y with their units",
            tried_on="no; written by HyperSpy 2.5",
            not_read="spectra: save them as `.hspy`; zipped stores",
        ),
    ),
)
H5OINA = Format(
    "AZtec",
    (".h5oina",),
    open_maps=hdf5_maps.open_maps,
    has_axes=True,
    holds_scan=True,
    has_datasets=True,
    maps_in_docs=(
        MapsInDocs(
            what="Oxford AZtec `.h5oina`, versions 1 to 8: peak areas before windows before mass "
            "fractions of EDS; pixels outside the acquired area are missing",
            element_from="names of the maps (`Al Ka1`, `Al K series`)",
            pixel_size_from="`X Step` and `Y Step` of the header",
            tried_on="no; written by our tests in the published layout",
            not_read="spectra, lines, electron images, EBSD",
        ),
    ),
)
EDF = Format(
    "EDF",
    (".edf",),
    open_maps=edf.open_maps,
    maps_in_docs=(
        MapsInDocs(
            what="ESRF data files (extra `edf`): a map per file, or several images in one, as "
            "PyMca saves them",
            element_from="file name; `Title` of the image",
            pixel_size_from="typed",
            tried_on="no; written by fabio and PyMca",
            not_read="images of one row",
        ),
    ),
)
EXCEL = Format(
    "Excel",
    (".xlsx", ".xlsm"),
    open_maps=excel.open_maps,
    has_datasets=True,
    maps_in_docs=(
        MapsInDocs(
            what="Excel sheets (extra `xlsx`): a long table, one map, or a sheet per element; the "
            "numbers of the cells, whatever their format shows",
            element_from="headings; name of the sheet, or of the file",
            pixel_size_from="as in text",
            tried_on="no; written with openpyxl and LibreOffice",
            not_read="hidden sheets; formulas that no program has computed; `.xls`",
        ),
    ),
)

_MAPS = (TIFF, TEXT, EXCEL, EDF, NPY, RIPPLE, EMD, NPZ, MATLAB, HDF5, H5OINA, ENVI, ZSPY, ZARR)

_SPECTRA = (
    Format(
        "numbers of Ripple",
        (".raw",),
        open_spectra=ripple.open_spectra,
        kind="plain numbers that belong to a header",
        advice="open the .rpl or .hdr beside it",
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
    HYPERSPY,
)

PICTURE = Format(
    "grey picture",
    (".png", ".jpg", ".jpeg", ".bmp"),
    open_maps=pictures.open_maps,
    is_everyday=True,
    kind="a picture, not counts",
    maps_in_docs=(
        MapsInDocs(
            what="folder of grey pictures, where no other file holds the maps: PNG of 16 bits; "
            "**with a loud warning** PNG, JPEG and BMP of 8 bits, also with three equal channels, "
            "whose numbers are brightness and no counts; transparent pixels are missing",
            element_from="file name",
            pixel_size_from="typed",
            tried_on="no; written with OpenCV and Pillow",
            not_read="coloured pictures, which stay context beside other maps; 16 bits in colours",
        ),
    ),
)
OTHER_PICTURE = Format(
    "other picture", (".gif", ".webp", ".svg", ".pdf"), kind="a picture, not counts"
)

_THROUGH_HYPERSPY = "open it in HyperSpy and save it as .hspy"
_ONE_SPECTRUM = "a spectrum without a map ({})"
_ITS_CUBE = "open the file with a spectrum for every pixel"

_NOT_READ = (
    OTHER_PICTURE,
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
        "old Excel",
        (".xls",),
        kind="an old Excel sheet",
        advice="open it in Excel or LibreOffice and save it as .xlsx or CSV",
    ),
    Format(
        "OpenDocument",
        (".ods",),
        kind="a spreadsheet",
        advice="open it and choose File > Save As > Text CSV",
    ),
    Format(
        "world file",
        (".tfw", ".tifw", ".tiffw", ".wld"),
        kind="a world file, read for the pixel size",
    ),
    Format(
        "side file of GDAL",
        (".aux.xml", ".prj"),
        kind="a file of a GIS program, read with the map beside it",
    ),
    Format("mask of GDAL", (".msk",), kind="a mask of GDAL, read with the TIFF beside it"),
    Format(
        "VTK image",
        (".vti",),
        kind="a VTK image",
        advice="export the maps as .npz, TIFF or text from the program that wrote it",
    ),
    Format("archive", (".zip", ".7z", ".rar"), kind="an archive", advice="unpack it first"),
)

# The order decides which file is used where a folder holds one element in two formats.
FORMATS = (*_MAPS, *_SPECTRA, PICTURE, *_NOT_READ)
