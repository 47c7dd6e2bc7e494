"""Names of the files that one run writes."""

from __future__ import annotations

from napari_mineral_anomaly.io.spreadsheets import DIALECTS

SCORE_FILE = "anomaly_score.ome.tif"
MASK_FILE = "anomaly_mask.tif"
LABELS_FILE = "pseudo_labels.tif"
GRAIN_LABELS_FILE = "grain_labels.tif"
ERROR_FILE = "reconstruction_error.ome.tif"
FOUND_BY_FILE = "found_by.tif"
TAUGHT_FILE = "taught.tif"
CONTRIBUTIONS_FILE = "element_contributions.ome.tif"
GRAINS_FILE = "grains.csv"
OVERVIEW_FILE = "overview.png"
REPORT_FILE = "report.html"
RUN_FILE = "run.json"
INGEST_FILE = "ingest.json"
MODEL_FOLDER = "model"

# Beside the TIFFs of scans with a known pixel size: QGIS reads the place of the map from the .tfw,
# its unit from the .aux.xml, and the names of all planes of a stack from the .vrt.
WORLD_FILES = (
    "anomaly_score.ome.tfw",
    "anomaly_score.ome.tif.aux.xml",
    "anomaly_mask.tfw",
    "anomaly_mask.tif.aux.xml",
    "pseudo_labels.tfw",
    "pseudo_labels.tif.aux.xml",
    "grain_labels.tfw",
    "grain_labels.tif.aux.xml",
    "element_contributions.ome.tfw",
    "element_contributions.ome.tif.aux.xml",
    "element_contributions.vrt",
)

RUN_FILES = (
    SCORE_FILE,
    MASK_FILE,
    LABELS_FILE,
    GRAIN_LABELS_FILE,
    CONTRIBUTIONS_FILE,
    GRAINS_FILE,
    OVERVIEW_FILE,
    REPORT_FILE,
    RUN_FILE,
    INGEST_FILE,
    MODEL_FOLDER,
    *WORLD_FILES,
)

# The table of grains in the dialects that may have been asked for; names of `spreadsheets`.
GRAINS_FILES = tuple(dialect.file_name(GRAINS_FILE) for dialect in DIALECTS.values())

# Only where the score joins the network with other questions, and where pixels were taught.
JOINED_FILES = (
    ERROR_FILE,
    "reconstruction_error.ome.tfw",
    "reconstruction_error.ome.tif.aux.xml",
    FOUND_BY_FILE,
    "found_by.tfw",
    "found_by.tif.aux.xml",
    TAUGHT_FILE,
    "taught.tfw",
    "taught.tif.aux.xml",
)

# A run with taught pixels keeps the untouched one beside it.
UNTAUGHT_FOLDER = "results/untaught-1"

# What the model folder holds.
MODEL_FILES = ("weights.safetensors", "model.json")
