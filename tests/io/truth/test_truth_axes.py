"""Which axis counts the channels: names, energies, the user; else a rule that is said."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from napari_mineral_anomaly.cli import main
from napari_mineral_anomaly.errors import InputError
from napari_mineral_anomaly.io import read_maps
from napari_mineral_anomaly.io.formats.lookup import open_spectra
from napari_mineral_anomaly.io.formats.shared.axes import channel_axis
from napari_mineral_anomaly.runs.read_scan import ReadingOptions, read_scan

TWELVE = ("Na", "Mg", "Al", "Si", "P", "S", "K", "Ca", "Ti", "Mn", "Fe", "Zr")
SETTINGS = settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def counts(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(1, 900, shape)


def test_an_open_order_is_said_with_the_way_to_overrule_it(tmp_path: Path) -> None:
    stack = counts(10, 40, 12)
    np.save(tmp_path / "scan.npy", stack)
    cube = read_maps(tmp_path / "scan.npy")
    np.testing.assert_array_equal(cube.maps, stack)
    assert "axes 10x40x12 = channels, rows, columns" in " ".join(cube.report.steps)
    assert any("--channels last" in warning for warning in cube.report.warnings)
    other = read_maps(tmp_path / "scan.npy", channels="last")
    np.testing.assert_array_equal(other.maps, np.moveaxis(stack, 2, 0))
    assert "as the user says" in " ".join(other.report.steps)
    assert not any("--channels" in warning for warning in other.report.warnings)


def test_a_clear_order_is_a_step_without_a_warning(tmp_path: Path) -> None:
    np.save(tmp_path / "scan.npy", counts(12, 90, 70))
    report = read_maps(tmp_path / "scan.npy").report
    assert "the first axis counts the channels" in " ".join(report.steps)
    assert not any("--channels" in warning for warning in report.warnings)


def test_the_command_line_has_the_option(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    np.save(tmp_path / "scan.npy", counts(10, 40, 12))
    assert main(["inspect", str(tmp_path / "scan.npy"), "--channels", "last", "--json"]) == 0
    assert len(json.loads(capsys.readouterr().out)["used"]) == 12
    assert main(["inspect", str(tmp_path / "scan.npy"), "--channels", "middle"]) == 2


def test_the_options_of_a_run_have_it(tmp_path: Path) -> None:
    np.save(tmp_path / "scan.npy", counts(10, 40, 12))
    cube = read_scan([tmp_path / "scan.npy"], ReadingOptions(channels="last"))
    assert cube.maps.shape == (12, 10, 40)


def test_where_there_is_no_such_axis_the_option_is_refused(tmp_path: Path) -> None:
    np.save(tmp_path / "Fe.npy", counts(5, 6))
    np.save(tmp_path / "Ca.npy", counts(5, 6))
    with pytest.raises(InputError, match="leave out --channels"):
        read_maps(tmp_path, channels="first")
    with pytest.raises(InputError, match="leave out --channels"):
        read_maps(tmp_path / "Fe.npy", channels="first")
    with pytest.raises(InputError, match='"first" or "last"'):
        read_maps(tmp_path / "Fe.npy", channels="middle")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("shape", "index", "is_open"),
    [
        ((128, 40, 1000), 2, False),  # 128 rows are no channels
        ((512, 40, 1000), 2, True),
        ((25, 25, 4096), 2, False),
        ((4096, 25, 25), 0, False),
        ((2048, 300, 200), 0, False),
        ((512, 512, 1024), 2, False),
        ((256, 300, 256), 2, True),
        ((300, 20, 310), 2, True),
        ((3, 20, 90), 2, True),
    ],
)
def test_axes_of_spectra(shape: tuple[int, int, int], index: int, is_open: bool) -> None:
    found = channel_axis(shape)
    assert (found.index, found.is_energy, found.is_open) == (index, True, is_open)


def test_rows_of_128_are_no_channels(tmp_path: Path) -> None:
    cube = np.random.default_rng(0).poisson(2, (128, 4, 1000)).astype(np.uint8)
    np.save(tmp_path / "scan.npy", cube)
    image = open_spectra(tmp_path / "scan.npy")
    assert (image.shape, image.n_channels) == ((128, 4), 1000)
    np.testing.assert_array_equal(image.block(slice(5, 9)), cube[5:9])


def test_a_question_for_the_calibration_says_the_axes(tmp_path: Path) -> None:
    np.save(tmp_path / "scan.npy", counts(16, 1, 300))
    with pytest.raises(InputError, match=r"no energy calibration.*--channels first"):
        read_maps(tmp_path / "scan.npy")
    assert read_maps(tmp_path / "scan.npy", channels="first").maps.shape == (16, 1, 300)


def test_a_list_of_energies_decides(tmp_path: Path) -> None:
    cube = np.random.default_rng(0).poisson(3, (128, 12, 100)).astype(np.uint16)
    np.savez(tmp_path / "scan.npz", counts=cube, energy=np.arange(100) * 0.1)
    image = open_spectra(tmp_path / "scan.npz")
    assert image.shape == (128, 12)
    assert image.energy.gain_kev == pytest.approx(0.1)
    np.savez(tmp_path / "wrong.npz", counts=cube, energy=np.arange(90) * 0.1)
    image = open_spectra(tmp_path / "wrong.npz")
    assert any("energies in energy are not used" in note for note in image.notes)


@SETTINGS
@given(
    is_first=st.booleans(),
    # Rows and columns that could be taken for the elements, one row, one column, and long lines.
    rows=st.sampled_from([1, 4, 5, 12, 13, 128]),
    columns=st.sampled_from([1, 4, 7, 12, 129, 512]),
    columns_first=st.booleans(),
    dtype=st.sampled_from(["<u2", ">u2", "<f4", ">f8", "u1", "<i8", "<f2"]),
    where=st.sampled_from(["json", "txt", "npz"]),
)
def test_names_that_fit_one_axis_decide(
    tmp_path: Path,
    is_first: bool,
    rows: int,
    columns: int,
    columns_first: bool,
    dtype: str,
    where: str,
) -> None:
    maps = counts(12, rows, columns).clip(1, 100).astype(dtype)
    stack = maps if is_first else np.moveaxis(maps, 0, 2)
    stack = np.asfortranarray(stack) if columns_first else np.ascontiguousarray(stack)
    for old in tmp_path.iterdir():
        old.unlink()
    if where == "npz":
        path = tmp_path / "scan.npz"
        np.savez(path, data=stack, elements=np.array(TWELVE))
    else:
        path = tmp_path / "scan.npy"
        np.save(path, stack)
        text = json.dumps({"elements": TWELVE}) if where == "json" else "\n".join(TWELVE)
        path.with_suffix(f".{where}").write_text(text)
    cube = read_maps(path)
    fits_both = stack.shape[0] == stack.shape[2] == 12
    warned = any("--channels last" in warning for warning in cube.report.warnings)
    assert warned == fits_both
    if fits_both and not is_first:
        cube = read_maps(path, channels="last")
    assert cube.elements == TWELVE
    assert cube.maps.dtype == np.dtype(dtype).newbyteorder("=")
    np.testing.assert_array_equal(cube.maps, maps)
    independent = np.load(path)["data"] if where == "npz" else np.load(path)
    independent = independent if is_first else np.moveaxis(independent, 2, 0)
    np.testing.assert_array_equal(cube.maps, independent)
