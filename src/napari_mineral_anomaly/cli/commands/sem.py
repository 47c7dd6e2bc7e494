"""``sem``: from the map to the SEM, and the verdicts back."""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari_mineral_anomaly.cli import options
from napari_mineral_anomaly.cli.console import answer, answer_json
from napari_mineral_anomaly.errors import InputError

if TYPE_CHECKING:
    from napari_mineral_anomaly.grains.sem.fit import SemFit
    from napari_mineral_anomaly.grains.verdicts.returned import ReturnedVerdicts
    from napari_mineral_anomaly.project.load import LoadedProject
    from napari_mineral_anomaly.project.output.report import ProjectGrains


def add_parser(commands: Any) -> None:
    """Add the command with its options."""
    parser = options.add_command(
        commands,
        "sem",
        "keep fiducials in a project, list its grains in millimetres of the SEM, and take over the "
        "verdicts from there",
    )
    options.add_project(parser)
    options.add_result(parser)
    parser.add_argument(
        "--fiducials",
        type=Path,
        metavar="CSV",
        help="three or more points with the columns name, map_x_px, map_y_px (or map_x_um, "
        "map_y_um), sem_x_mm and sem_y_mm; the project keeps them",
    )
    parser.add_argument(
        "--transform",
        choices=("similarity", "affine"),
        help="similarity (rotation, scale, shift) or affine (also stretched or sheared); both may "
        "mirror (default: as the project keeps it, at first similarity)",
    )
    parser.add_argument(
        "-o", "--out", type=Path, metavar="LIST", help="CSV to write: the grains to visit"
    )
    parser.add_argument(
        "--grains",
        choices=("accepted", "all"),
        default="accepted",
        help="which grains to list (default: accepted)",
    )
    parser.add_argument(
        "--csv-dialect",
        metavar="NAME",
        default="plain",
        help="how the list is written: plain, excel-en, excel-de, excel-fr or tsv (default: plain)",
    )
    parser.add_argument(
        "--verdicts",
        type=Path,
        metavar="CSV",
        help="a list that was filled in at the SEM: id, verdict, and a comment if wanted",
    )
    options.add_overwrite(parser)
    options.add_json(parser)


def run(arguments: argparse.Namespace) -> None:
    """Keep fiducials, take over verdicts, write the list; whatever is asked for, in this order."""
    # Imported here, so that --help does not load numpy, pydantic and the readers.
    from napari_mineral_anomaly.cli.progress import ProgressPrinter
    from napari_mineral_anomaly.grains.sem.fiducials import Fiducials
    from napari_mineral_anomaly.grains.sem.files import read_fiducials
    from napari_mineral_anomaly.grains.sem.fit import fit_sem
    from napari_mineral_anomaly.io.spreadsheets import dialect_named
    from napari_mineral_anomaly.progress import Task
    from napari_mineral_anomaly.project.changing import keep_fiducials
    from napari_mineral_anomaly.project.fiducials import fiducials_of, fit_of
    from napari_mineral_anomaly.project.load import load_project
    from napari_mineral_anomaly.project.output.report import list_project
    from napari_mineral_anomaly.project.reading import read_project
    from napari_mineral_anomaly.runs.json_values import as_json
    from napari_mineral_anomaly.words import counted, listed

    place, out = arguments.project, arguments.out
    dialect = dialect_named(arguments.csv_dialect)
    file = read_project(place)
    if out is not None:
        for path in (out, _fiducials_beside(out)):
            if path.exists() and not arguments.overwrite:
                raise InputError(f"{path} is already there: choose another name, or --overwrite.")
    if arguments.fiducials is not None or arguments.transform is not None:
        known = fiducials_of(file)
        points = known.points
        if arguments.fiducials is not None:
            points = read_fiducials(arguments.fiducials, file.pixel_size_um)
        wanted = Fiducials(points, arguments.transform or known.model)
        fit_sem(wanted, file.pixel_size_um)  # what gives no transform is refused, not kept
        file = keep_fiducials(place, wanted)
    told: dict[str, Any] = {}
    lines: list[str] = []
    fit = None
    if out is not None or arguments.verdicts is None:
        fit = fit_of(file)
        told["fit"] = _fit_in_json(fit)
        lines = _fit_in_words(fit)
    if out is not None or arguments.verdicts is not None:
        with ProgressPrinter() as progress:
            task = Task(progress)
            project = load_project(place, maps=arguments.maps, task=task)
            if arguments.detector is not None:
                project = project.with_main(arguments.detector)
            grains = list_project(project, task=task)
        if arguments.verdicts is not None:
            grains, returned = _take_over(project, grains, arguments.verdicts)
            told["verdicts"] = [vars(one) for one in returned.verdicts]
            lines.append(returned.sentence)
        if out is not None and fit is not None:
            files, n_grains = _write_list(grains, fit, arguments, dialect)
            told |= {"files": list(map(str, files)), "n_grains": n_grains}
            lines.append(f"{counted(n_grains, 'grain')} in {listed(list(map(str, files)))}.")
    if arguments.json:
        answer_json(as_json(told))
    else:
        answer("\n".join(lines))


def _take_over(
    project: LoadedProject, grains: ProjectGrains, path: Path
) -> tuple[ProjectGrains, ReturnedVerdicts]:
    """Keep the verdicts of a table; the grains with them, and what was taken over."""
    from napari_mineral_anomaly.grains.verdicts.book import VerdictBook, with_verdicts
    from napari_mineral_anomaly.grains.verdicts.returned import (
        read_returned_verdicts,
        with_returned,
    )
    from napari_mineral_anomaly.project.changing import keep_verdicts

    returned = read_returned_verdicts(path, grains.labels)
    before = project.verdicts
    book = VerdictBook(project.file.shape) if before is None else before.present
    book = with_returned(book, returned, grains.labels)
    keep_verdicts(project.folder, book, f"verdicts of {path.name}")
    table = with_verdicts(grains.table, book, grains.labels)
    return replace(grains, table=table), returned


def _write_list(
    grains: ProjectGrains, fit: SemFit, arguments: argparse.Namespace, dialect: Any
) -> tuple[tuple[Path, Path], int]:
    """Write the list and the fiducials beside it; the files, and the number of grains."""
    from napari_mineral_anomaly.grains.sem.files import write_fiducials
    from napari_mineral_anomaly.grains.sem.visits import sem_list
    from napari_mineral_anomaly.io.writing.tables import write_table

    visits = sem_list(grains.table, grains.labels, fit, arguments.grains)
    write_table(arguments.out, visits, dialect)
    beside = write_fiducials(_fiducials_beside(arguments.out), fit, dialect)
    return (arguments.out, beside), len(visits)


def _fiducials_beside(out: Path) -> Path:
    return out.with_name(f"{out.stem}_fiducials.csv")


def _fit_in_words(fit: SemFit) -> list[str]:
    residuals = [
        f"  {point.name}: {residual:.1f} µm"
        for point, residual in zip(fit.fiducials, fit.residuals_um, strict=True)
    ]
    return [fit.sentence, *residuals, *(f"Warning: {text}" for text in fit.warnings)]


def _fit_in_json(fit: SemFit) -> dict[str, Any]:
    return {
        "transform": fit.model,
        "matrix": fit.matrix,
        "is_mirrored": fit.is_mirrored,
        "rms_um": fit.rms_um,
        "residuals_um": {
            point.name: residual
            for point, residual in zip(fit.fiducials, fit.residuals_um, strict=True)
        },
        "warnings": fit.warnings,
    }
