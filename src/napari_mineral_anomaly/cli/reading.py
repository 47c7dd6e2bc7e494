"""What each command does: read the arguments, call the engine, say what came out.

Functions that print go through `text`; functions that compute live in core.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from napari_mineral_anomaly.cli import text
from napari_mineral_anomaly.cli.commands.benchmark import benchmark
from napari_mineral_anomaly.cli.inputs import (
    detector_config,
    output_names,
    score_file,
    tell_if_slow,
    threshold_beside,
    truth_mask,
)
from napari_mineral_anomaly.cli.progress import ProgressPrinter
from napari_mineral_anomaly.detectors.bundle import load_model, save_model
from napari_mineral_anomaly.detectors.pipeline import (
    DetectionRun,
    apply_detector,
    require_scorable,
    run_detection,
)
from napari_mineral_anomaly.detectors.registry import DEFAULT_DETECTOR, make_detector
from napari_mineral_anomaly.errors import InputError
from napari_mineral_anomaly.evaluation.metrics import evaluate as evaluate_score
from napari_mineral_anomaly.io import read_image, read_maps
from napari_mineral_anomaly.io.remembered import remember_pixel_size
from napari_mineral_anomaly.io.run_files import MODEL_FILES, MODEL_FOLDER
from napari_mineral_anomaly.io.writing.atomic import require_free_folder, staged_folder
from napari_mineral_anomaly.runs.record import input_hashes, source_name
from napari_mineral_anomaly.scan.cube import ElementCube
from napari_mineral_anomaly.scan.quality.checks import report_of_cube
from napari_mineral_anomaly.scan.report_text import report_lines
from napari_mineral_anomaly.scan.stacking import stack_sections

Arguments = argparse.Namespace


def inspect(arguments: Arguments) -> None:
    """Print the ingest report of a scan."""
    with ProgressPrinter() as progress:
        cube = _read(arguments, arguments.inputs, progress)
    report = cube.report or report_of_cube(cube)
    if arguments.json:
        print(text.as_json(report.model_dump(mode="json")))
    else:
        print("\n".join(report_lines(report)))


def detect(arguments: Arguments) -> None:
    """Read, train, score, threshold, list grains and export one scan."""
    from napari_mineral_anomaly.runs.folder import write_run

    detector = arguments.detector or DEFAULT_DETECTOR
    config = detector_config(detector, arguments)
    inputs = _all_inputs(arguments)
    require_free_folder(arguments.out, overwrite=arguments.overwrite, inputs=inputs)
    with ProgressPrinter() as progress:
        started = time.perf_counter()
        cube = _read(arguments, arguments.inputs, progress)
        timings = {"read": time.perf_counter() - started}
        tell_if_slow(detector, config, cube)
        run = run_detection(cube, detector, config, on_event=progress)
        written = write_run(
            arguments.out,
            cube,
            _judged(run, arguments.threshold),
            overwrite=arguments.overwrite,
            min_grain_px=arguments.min_grain_px,
            timings=timings,
            inputs=inputs,
            on_event=progress,
        )
    _tell_ingest(cube)
    print(text.run_json(written) if arguments.json else text.run_summary(written))


def train(arguments: Arguments) -> None:
    """Fit one detector on one or several scans and save it."""
    detector = arguments.detector or DEFAULT_DETECTOR
    config = detector_config(detector, arguments)
    inputs = _all_inputs(arguments)
    _require_one_valid_image(arguments)
    require_free_folder(arguments.out, overwrite=arguments.overwrite, inputs=inputs)
    with ProgressPrinter() as progress:
        cubes = [_read(arguments, [source], progress) for source in arguments.inputs]
        for cube in cubes:
            require_scorable(cube)
        fitted = make_detector(detector, config).fit(stack_sections(cubes), on_event=progress)
        with staged_folder(
            arguments.out, overwrite=arguments.overwrite, ours=MODEL_FILES, inputs=inputs
        ) as folder:
            scans = [{"source": source_name(c), "input_hashes": input_hashes(c)} for c in cubes]
            save_model(fitted, folder, provenance={"scans": scans})
    for cube in cubes:
        _tell_ingest(cube)
    n_valid = sum(cube.n_valid for cube in cubes)
    if arguments.json:
        summary = {
            "out": str(arguments.out),
            "detector": fitted.name,
            "elements": list(fitted.elements),
            "n_scans": len(cubes),
            "n_valid": n_valid,
            "parameters": fitted.config.model_dump(mode="json"),
        }
        print(text.as_json(summary))
    else:
        print(
            f"Model in {arguments.out}: {fitted.name}, fitted on {n_valid} valid pixels of "
            f"{text.count(len(cubes), 'scan')}, elements {', '.join(fitted.elements)}."
        )


def apply(arguments: Arguments) -> None:
    """Score scans with a saved model, each into its own folder of results."""
    from napari_mineral_anomaly.runs.folder import write_run

    _require_one_valid_image(arguments)
    names = output_names(arguments.inputs)
    inputs = [*_all_inputs(arguments), arguments.model]
    require_free_folder(arguments.out, overwrite=arguments.overwrite, inputs=inputs)
    inside = arguments.model / MODEL_FOLDER  # the results of a run hold their model
    fitted = load_model(
        inside if inside.is_dir() else arguments.model, device=arguments.device or "auto"
    )
    written = []
    with ProgressPrinter() as progress:
        if len(names) > 1:
            # A bad scan is told before anything is written, at the price of reading twice:
            # all of them may not fit into memory at once.
            for source in arguments.inputs:
                _require_elements(_read(arguments, [source], progress), fitted.elements)
        for source, name in zip(arguments.inputs, names, strict=True):
            started = time.perf_counter()
            cube = _read(arguments, [source], progress)
            _require_elements(cube, fitted.elements)
            timings = {"read": time.perf_counter() - started}
            tell_if_slow(fitted.name, fitted.config, cube, fit=False)
            run = apply_detector(cube, fitted, on_event=progress)
            one = write_run(
                arguments.out / name,
                cube,
                _judged(run, arguments.threshold),
                overwrite=arguments.overwrite,
                min_grain_px=arguments.min_grain_px,
                timings=timings,
                inputs=inputs,
                on_event=progress,
            )
            _tell_ingest(cube)
            written.append(one)
    if arguments.json:
        print(text.as_json([text.run_values(one) for one in written]))
    else:
        print("\n\n".join(text.run_summary(one) for one in written))


def evaluate(arguments: Arguments) -> None:
    """Compare a score map with a truth mask."""
    score_path = score_file(arguments.score)
    threshold = arguments.threshold
    if threshold is None:
        threshold = threshold_beside(score_path)
    metrics = evaluate_score(
        read_image(score_path),
        truth_mask(arguments.truth),
        valid=None if arguments.valid is None else read_image(arguments.valid),
        threshold=threshold,
    )
    print(text.as_json(metrics) if arguments.json else text.metrics_summary(metrics, threshold))


def sample(arguments: Arguments) -> None:
    """Write a simulated scan with its truth."""
    from napari_mineral_anomaly.simulate import simulate_section, write_section

    require_free_folder(arguments.out, overwrite=arguments.overwrite)
    size: dict[str, Any] = {}
    if arguments.size is not None:
        size["shape"] = tuple(arguments.size)
    with ProgressPrinter() as progress:
        section = simulate_section(arguments.scene, seed=arguments.seed, on_event=progress, **size)
    write_section(section, arguments.out, overwrite=arguments.overwrite)
    height, width = section.cube.shape
    values = {
        "out": str(arguments.out),
        "scene": arguments.scene,
        "seed": arguments.seed,
        "shape": [height, width],
        "pixel_size_um": section.cube.pixel_size,
        "elements": list(section.cube.elements),
        "n_grains": len(section.grains),
        "n_anomaly": int((section.truth == 1).sum()),
    }
    if arguments.json:
        print(text.as_json(values))
    else:
        print(
            f"Simulated scan in {arguments.out}: scene {arguments.scene}, {height} x {width} "
            f"pixels, {len(section.cube.elements)} elements, "
            f"{text.count(len(section.grains), 'anomalous grain')} (truth.tif, grains_truth.csv)."
        )


COMMANDS: dict[str, Callable[[Arguments], None]] = {
    "inspect": inspect,
    "detect": detect,
    "train": train,
    "apply": apply,
    "evaluate": evaluate,
    "benchmark": benchmark,
    "sample": sample,
}


def _read(arguments: Arguments, sources: Sequence[Path], progress: ProgressPrinter) -> ElementCube:
    """The scan that ``sources`` hold, read as the arguments say.

    A pixel size that is typed is kept for the folder; one that was typed earlier is used where
    the files hold none, and the report says so.
    """
    cube = read_maps(
        sources[0] if len(sources) == 1 else list(sources),
        pixel_size=arguments.pixel_size,
        valid=arguments.valid,
        sample=arguments.sample,
        energy=arguments.energy,
        elements=arguments.elements,
        spot_size=arguments.spot_size,
        remembered=True,
        on_event=progress,
    )
    if arguments.pixel_size is not None and cube.source is not None:
        remember_pixel_size(Path(cube.source), arguments.pixel_size)
    return cube


def _all_inputs(arguments: Arguments) -> list[Path]:
    extra = [getattr(arguments, name, None) for name in ("valid", "config")]
    return [*arguments.inputs, *(path for path in extra if path is not None)]


def _judged(run: DetectionRun, threshold: float | None) -> DetectionRun:
    if threshold is None:
        return run
    return replace(run, result=run.result.with_threshold(threshold))


def _require_one_valid_image(arguments: Arguments) -> None:
    if arguments.valid is not None and len(arguments.inputs) > 1:
        raise InputError(
            f"--valid {arguments.valid} fits one scan, but {len(arguments.inputs)} are given: "
            "treat them one by one."
        )


def _require_elements(cube: ElementCube, elements: Sequence[str]) -> None:
    missing = [element for element in elements if element not in cube.elements]
    if missing:
        raise InputError(
            f"{cube.source} lacks {', '.join(missing)}, which the model was fitted on."
        )
    require_scorable(cube)


def _tell_ingest(cube: ElementCube) -> None:
    """What the reader has to say beyond the maps it used: never silent, never on stdout."""
    if cube.report is None:
        return
    for ignored in cube.report.ignored:
        print(f"Not used: {ignored.file} ({ignored.reason})", file=sys.stderr)
    for warning in cube.report.warnings:
        print(f"Note: {warning}", file=sys.stderr)
