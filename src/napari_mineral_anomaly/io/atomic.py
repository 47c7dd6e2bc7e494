"""Files and folders that appear under their final name complete or not at all."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from napari_mineral_anomaly.errors import InputError


@contextmanager
def atomic_path(path: str | Path) -> Iterator[Path]:
    """A temporary name beside ``path`` that becomes ``path`` when the block ends well.

    Raises
    ------
    InputError
        When the folder does not exist or cannot be written, or the disk is full. Nothing is left
        behind then, and an earlier file of that name is unharmed.
    """
    final = Path(path)
    # Not hidden behind a random suffix: writers choose the format by the ending.
    temporary = final.with_name(f".{os.getpid()}.{final.name}")
    try:
        yield temporary
        temporary.replace(final)
    except OSError as error:
        raise InputError(f"Cannot write {final}: {_why(error)}.") from error
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)


def require_free_folder(
    folder: str | Path, *, overwrite: bool = False, inputs: Iterable[str | Path] = ()
) -> None:
    """Refuse an output folder before anything is computed for it.

    Parameters
    ----------
    folder : path
        Need not exist.
    overwrite : bool
        Whether results in it may be replaced.
    inputs : paths
        Files and folders that are read: never inside a folder that is replaced.

    Raises
    ------
    InputError
        When ``folder`` is a file, is not empty without ``overwrite``, holds an input, or lies
        where nothing can be written.
    """
    target = Path(folder).resolve()
    if target.exists() and not target.is_dir():
        raise InputError(f"{folder} is a file: give a folder for the output.")
    if target.is_dir() and any(target.iterdir()):
        if not overwrite:
            raise InputError(
                f"The output folder {folder} exists and is not empty: "
                "choose another, or allow overwriting (--overwrite)."
            )
        for entry in inputs:
            if Path(entry).resolve().is_relative_to(target):
                raise InputError(
                    f"The output folder {folder} holds the input {entry}, "
                    "which overwriting would destroy: choose another folder."
                )
    ancestor = target.parent
    while not ancestor.exists():
        ancestor = ancestor.parent
    if not ancestor.is_dir():
        raise InputError(f"Cannot make the output folder {folder}: {ancestor} is a file.")
    if not os.access(ancestor, os.W_OK):
        raise InputError(f"Cannot make the output folder {folder}: {ancestor} is read-only.")


@contextmanager
def staged_folder(
    folder: str | Path,
    *,
    overwrite: bool = False,
    ours: Iterable[str] = (),
    inputs: Iterable[str | Path] = (),
) -> Iterator[Path]:
    """A temporary folder beside ``folder`` that becomes ``folder`` when the block ends well.

    Parameters
    ----------
    folder : path
        Missing parents are made.
    overwrite : bool
        Replace an existing folder, but only once the new one is complete.
    ours : names
        What such a folder holds. Anything else in a replaced folder belongs to somebody: it moves
        into the new one.
    inputs : paths
        See `require_free_folder`, which is called first.

    Raises
    ------
    InputError
        As `require_free_folder`, and when writing fails. Nothing is left behind then, and an
        earlier folder is unharmed.
    """
    require_free_folder(folder, overwrite=overwrite, inputs=inputs)
    final = Path(folder).resolve()
    made = _make_parents(final)
    temporary: Path | None = None
    try:
        temporary = Path(tempfile.mkdtemp(prefix=f".{final.name}.", dir=final.parent))
        # mkdtemp keeps others out; results get the rights that the user's umask gives.
        temporary.chmod(0o777 & ~_umask())
        yield temporary
        _swap(temporary, final, frozenset(ours))
    except BaseException as error:
        if temporary is not None:
            shutil.rmtree(temporary, ignore_errors=True)
        for parent in made:
            # Not empty: somebody else put something there meanwhile, theirs to keep.
            with suppress(OSError):
                parent.rmdir()
        # An `atomic_path` inside names a file under the temporary name, which nobody knows.
        cause = error.__cause__ if isinstance(error, InputError) else error
        if isinstance(cause, OSError):
            raise InputError(f"Cannot write the output folder {folder}: {_why(cause)}.") from cause
        raise


def _swap(new: Path, final: Path, ours: frozenset[str]) -> None:
    """Put ``new`` in the place of ``final``, keeping what is not ours of the old one."""
    if not final.exists():
        new.replace(final)
        return
    old = final.with_name(f".{final.name}.old.{os.getpid()}")
    final.replace(old)
    try:
        new.replace(final)
    except BaseException:
        old.replace(final)
        raise
    for entry in old.iterdir():
        if entry.name not in ours:
            entry.replace(final / entry.name)
    shutil.rmtree(old)


def _make_parents(final: Path) -> list[Path]:
    """Make the missing parents; returns them, the innermost first."""
    missing = [parent for parent in final.parents if not parent.exists()]
    try:
        final.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"Cannot make the folder {final.parent}: {_why(error)}.") from error
    return missing


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def _why(error: OSError) -> str:
    reason = error.strerror or str(error) or type(error).__name__
    return reason[:1].lower() + reason[1:]
