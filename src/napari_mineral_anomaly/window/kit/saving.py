"""Saving one file from a panel: where the user wants it, and what became of it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from qtpy.QtWidgets import QFileDialog, QWidget

from napari_mineral_anomaly.errors import InputError
from napari_mineral_anomaly.io.writing.atomic import atomic_path
from napari_mineral_anomaly.window.kit.controls import StatusLine


def choose_and_save(
    parent: QWidget, title: str, name: str, kind: str, save: Callable[[str], None]
) -> None:
    """Ask for a file, and call ``save`` with its path; a cancelled dialog does nothing.

    Parameters
    ----------
    parent : QWidget
    title : str
        Of the dialog.
    name : str
        The file name that is proposed.
    kind : str
        The kind of file as Qt wants it: "CSV (*.csv)".
    save : callable
    """
    path, _ = QFileDialog.getSaveFileName(parent, title, name, kind)
    if path:
        save(path)


def save_file(path: str | Path, write: Callable[[Path], object], status: StatusLine) -> None:
    """Write a file complete or not at all; ``status`` says what became of it.

    Parameters
    ----------
    path : path
        An earlier file of that name is replaced.
    write : callable
        Writes to the temporary path that it is given.
    status : StatusLine
    """
    try:
        with atomic_path(path) as temporary:
            write(temporary)
    except InputError as error:
        status.error(str(error))
        return
    status.good(f"Saved {path}.")
