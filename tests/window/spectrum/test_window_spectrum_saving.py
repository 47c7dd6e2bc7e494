"""The dock *Lab: spectrum* saves what it shows; the step *Open* takes a beam energy."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from napari.components import ViewerModel

from napari_mineral_anomaly.scan.element_maps import element_maps
from napari_mineral_anomaly.scan.spectra import EnergyAxis, SpectrumImage
from napari_mineral_anomaly.scan.spectra.live_time import live_time
from napari_mineral_anomaly.scan.spectra.windows import element_windows
from napari_mineral_anomaly.window.layers.make import add, element_layers
from napari_mineral_anomaly.window.spectrum.dock import SpectrumDock
from napari_mineral_anomaly.window.workbench.steps.open_step import OpenStep

MakeDock = Callable[..., Any]
SHAPE, AXIS = (8, 9), EnergyAxis(0.0, 0.02, 512)


def spectra() -> SpectrumImage:
    mean = np.full((*SHAPE, AXIS.n_channels), 0.5)
    for kev, counts in ((1.740, 900.0), (6.400, 300.0)):
        shape = np.exp(-0.5 * ((AXIS.kev - kev) / 0.06) ** 2)
        mean += counts * shape / shape.sum()
    counts = np.random.default_rng(0).poisson(mean).astype(np.uint16)
    live, _ = live_time(np.full(SHAPE, 0.05), SHAPE, "the file")
    return SpectrumImage(counts, AXIS, beam_kev=10.0, live_time=live, source="scan.rpl")


def saved(path: Path) -> tuple[dict[str, str], list[float]]:
    lines = path.read_text("ascii").splitlines()
    head = [line[1:].partition(":") for line in lines if line.startswith("#")]
    values = [float(line.split(",")[1]) for line in lines if not line.startswith("#")]
    said = {key.partition("-")[0].strip(): text.strip() for key, _, text in reversed(head)}
    return said, values


def test_the_spectrum_of_the_scan_a_pixel_and_a_brushed_region_are_saved(
    viewer: ViewerModel, make_dock: MakeDock, tmp_path: Path, qtbot: Any
) -> None:
    image = spectra()
    cube = element_maps(image, element_windows(["Si", "Fe"], AXIS, 10.0))
    for data in element_layers(cube, scan="rock", scan_id="spectral"):
        add(viewer, data)
    dock = make_dock(SpectrumDock, viewer)
    assert dock.saving.button.isEnabled()
    dock.saving.save(tmp_path / "scan.msa")
    said, values = saved(tmp_path / "scan.msa")
    assert np.array_equal(values, image.sum_spectrum())
    assert float(said["LIVETIME"]) == pytest.approx(72 * 0.05)
    assert float(said["BEAMKV"]) == 10.0
    assert said["COMMENT"].startswith("sum of 72 pixels")

    dock.show_position(viewer.layers[0].data_to_world((3, 4)))
    dock.saving.save(tmp_path / "pixel.msa")
    said, values = saved(tmp_path / "pixel.msa")
    assert np.array_equal(values, image.spectrum_at(3, 4))
    assert said["COMMENT"] == "1 pixel, rows 3 to 3, columns 4 to 4"

    region = np.zeros(SHAPE, dtype=int)
    region[1:3, 2:6] = 1
    labels = viewer.add_labels(region, name="brushed")
    dock.region_choice.choose(labels)
    qtbot.waitUntil(lambda: "Region of 8 pixels" in dock.caption.text(), timeout=5000)
    dock.saving.save(tmp_path / "region.msa")
    said, values = saved(tmp_path / "region.msa")
    assert np.array_equal(values, image.spectrum_of(region == 1))
    assert said["COMMENT"].startswith("sum of 8 pixels, rows 1 to 2, columns 2 to 5")
    assert "Saved" in dock.status.text()

    dock.saving.save(tmp_path / "no folder" / "a.msa")
    assert "Cannot write" in dock.status.text()


def test_a_typed_beam_and_counts_per_second_reach_the_maps(
    viewer: ViewerModel, make_dock: MakeDock, tmp_path: Path
) -> None:
    image = spectra()
    header = {"width": 9, "height": 8, "depth": 512, "offset": 0, "data-length": 2}
    words = {"data-type": "unsigned", "byte-order": "little-endian", "record-by": "vector"}
    energy = {"depth-scale": 0.02, "depth-units": "keV", "beam-energy": 10, "live-time": 0.05}
    text = "".join(f"{key}\t{value}\n" for key, value in (header | words | energy).items())
    (tmp_path / "scan.rpl").write_text("key\tvalue\n" + text, encoding="ascii")
    (tmp_path / "scan.raw").write_bytes(np.asarray(image.counts).tobytes())
    dock = make_dock(OpenStep, viewer)
    dock.load([tmp_path / "scan.rpl"])
    fields = dock.spectra_fields
    assert fields.beam.text() == "10 keV, from the file"
    assert not fields.per_second_box.isHidden()
    spectrum = dock._read.report.spectrum
    assert (spectrum.beam_kev, spectrum.beam_source) == (10.0, "file")
    fields.beam.setValue(9.5)
    fields.per_second_box.setChecked(True)
    fields.again_button.click()
    spectrum = dock._read.report.spectrum
    assert (spectrum.beam_kev, spectrum.beam_source) == (9.5, "typed")
    [step] = dock._read.report.steps
    assert step.startswith("values = counts / live time (0.05 s)")
    assert fields.beam.value() == 9.5
