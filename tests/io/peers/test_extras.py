"""Files that need a package which is not installed: the sentence names it, and nothing else."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import openpyxl
import pytest
import tifffile

MAP = np.random.default_rng(0).integers(0, 900, (8, 9)).astype(np.uint16)
# A new Python in which the packages of the extras cannot be imported.
READ = """
import json, sys
for name in ("fabio", "openpyxl", "imagecodecs"):
    sys.modules[name] = None
from napari_mineral_anomaly import read_maps
from napari_mineral_anomaly.errors import InputError
said = []
for path in sys.argv[1:]:
    try:
        said.append(str(read_maps(path)))
    except InputError as error:
        said.append(str(error))
print(json.dumps(said))
"""


def test_a_missing_package_is_named(tmp_path: Path) -> None:
    pytest.importorskip("imagecodecs", reason="the extra codecs is not installed")
    folders = [tmp_path / name for name in ("zstd", "lzw", "deflate", "edf", "xlsx")]
    for folder in folders:
        folder.mkdir()
    for folder in folders[:3]:
        tifffile.imwrite(folder / "Fe.tif", MAP, compression=folder.name)
    (folders[3] / "Fe.edf").write_bytes(b"{\n}\n")
    book = openpyxl.Workbook()
    book.active.append([1, 2, 3])
    book.save(folders[4] / "Fe.xlsx")
    done = subprocess.run(
        [sys.executable, "-c", READ, *map(str, folders)], capture_output=True, text=True, check=True
    )
    zstd, lzw, deflate, edf, xlsx = json.loads(done.stdout)
    packed = "which needs one more package: pip install"
    codecs = '"napari-mineral-anomaly[codecs]", or save it without compression.'
    assert zstd == f"Fe.tif is compressed (ZSTD), {packed} {codecs}"
    assert lzw == f"Fe.tif is compressed (LZW), {packed} {codecs}"
    assert deflate.startswith("ElementCube(1 element")
    for said, extra in ((edf, "edf"), (xlsx, "xlsx")):
        assert said.endswith(f'is not installed: pip install "napari-mineral-anomaly[{extra}]".')
