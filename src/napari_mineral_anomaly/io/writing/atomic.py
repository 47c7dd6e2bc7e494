"""Writes files and folders that appear under their final name complete or not at all.

This holds after a power cut, too: the bytes are written to the disk (fsync) before the final name,
and the name before the function returns.
"""

from __future__ import annotations

import itertools
import os
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from napari_mineral_anomaly.errors import InputError
from napari_mineral_anomaly.io.writing.file_names import path_problem
from napari_mineral_anomaly.io.writing.staging import Staging, repair, require_replaceable
from napari_mineral_anomaly.process import is_alive, system_id
from napari_mineral_anomaly.progress import SILENT, Task

_numbers = itertools.count()
_TEMPORARY = re.compile(r"\.([0-9a-f]{8})-(\d+)-\d+(\..*)?")


@contextmanager
def atomic_path(path: str | Path, *, inputs: Iterable[str | Path] = ()) -> Iterator[Path]:
    """A temporary name beside ``path``, renamed to ``path`` when the block ends without error.

    Parameters
    ----------
    path : path
    inputs : paths, optional
        See `require_not_an_input`, which is called first.

    Raises
    ------
    InputError
        When the folder does not exist or cannot be written, the disk is full, or ``path`` is an
        input. Nothing is left behind then, and an earlier file of that name stays as it is.
    """
    final = Path(path)
    require_not_an_input(final, inputs)
    problem = path_problem(str(final.absolute()))
    if problem:
        raise InputError(f"Cannot write {final}: {problem}.")
    try:
        with replaced_file(final) as temporary:
            yield temporary
    except OSError as error:
        raise InputError(f"Cannot write {final}: {_why(error)}.") from error


@contextmanager
def replaced_file(path: Path) -> Iterator[Path]:
    """As `atomic_path`, but errors of the system are raised unchanged (OSError)."""
    # Writers choose the format by the ending, so it stays. The rest is short, so that the temporary
    # name is not longer than the file system allows.
    ending = "".join(path.suffixes[-2:])
    ending = ending if len(ending) <= 20 else path.suffix[:20]
    _remove_orphans(path.parent)
    temporary = path.with_name(f".{system_id()}-{os.getpid()}-{next(_numbers)}{ending}")
    try:
        yield temporary
        _to_disk(temporary)
        temporary.replace(path)
        _folder_to_disk(path.parent)
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)


@contextmanager
def atomic_folder(
    path: str | Path, *, overwrite: bool = False, inputs: Iterable[str | Path] = ()
) -> Iterator[Path]:
    """A temporary folder beside ``path``, renamed to ``path`` when the block ends without error.

    For formats that are folders, such as Zarr. Other than with `staged_folder`, an earlier folder
    is replaced as a whole, and missing parents are not made.

    Raises
    ------
    InputError
        As `atomic_path`; also when ``path`` is a file, or exists and ``overwrite`` is not set.
    """
    final = Path(path)
    require_not_an_input(final, inputs)
    if final.exists() and not (overwrite and final.is_dir()):
        raise InputError(f"{final} is already there: choose another folder or allow replacing it.")
    if not final.parent.is_dir():
        raise InputError(f"Cannot write {final}: no such file or directory.")
    with staged_folder(final, overwrite=overwrite, ours=None) as temporary:
        yield temporary


def require_not_an_input(target: str | Path, inputs: Iterable[str | Path]) -> None:
    """Refuse to write over something that was read.

    Parameters
    ----------
    target : path
        File or folder to be written; need not exist.
    inputs : paths
        Files that were read, or folders of scans: no file in such a folder is replaced. They are
        compared by inode, so that links, other spellings, and capitals on systems that ignore them
        are recognised.

    Raises
    ------
    InputError
    """
    path = Path(target)
    if not path.exists():
        return
    for entry in map(Path, inputs):
        if not entry.exists():
            continue
        if _same(entry, path):
            raise InputError(
                f"{path} is the input itself: an export never writes over what was read; "
                "choose another folder or name."
            )
        if any(_same(parent, path) for parent in entry.resolve().parents):
            raise InputError(
                f"{path} holds the input {entry}: an export never writes over what was read; "
                "choose another folder or name."
            )
        if entry.is_dir() and any(_same(entry, parent) for parent in path.resolve().parents):
            raise InputError(
                f"{path} lies in the folder of the scan: what is there is never replaced; "
                "choose another folder."
            )


def require_free_folder(
    folder: str | Path,
    *,
    overwrite: bool = False,
    ours: Iterable[str] | None = (),
    inputs: Iterable[str | Path] = (),
    task: Task = SILENT,
) -> None:
    """Refuse an output folder before anything is computed for it.

    First, what a killed run left beside the folder is put back or removed.

    Parameters
    ----------
    folder : path
        Need not exist.
    overwrite : bool
        Whether results in it may be replaced.
    ours : names or None
        See `staged_folder`.
    inputs : paths
        Files and folders that are read; none may be inside a folder that is replaced.
    task : Task, optional
        Is told what a killed run left.

    Raises
    ------
    InputError
        When ``folder`` is a file, is not empty without ``overwrite``, holds an input or protected
        files, or cannot be written.
    """
    target = Path(folder).resolve()
    for sentence in repair(target):
        task.note(sentence)
    if target.exists() and not target.is_dir():
        raise InputError(f"{folder} is a file: give a folder for the output.")
    if target.is_dir() and any(target.iterdir()):
        if not overwrite:
            raise InputError(
                f"The output folder {folder} exists and is not empty: "
                "choose another, or allow overwriting (--overwrite on the command line)."
            )
        for entry in inputs:
            inside = Path(entry).resolve()
            if any(_same(place, target) for place in (inside, *inside.parents)):
                raise InputError(
                    f"The output folder {folder} holds the input {entry}, "
                    "which overwriting would destroy: choose another folder."
                )
        require_replaceable(target, ours)
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
    ours: Iterable[str] | None = (),
    inputs: Iterable[str | Path] = (),
    task: Task = SILENT,
) -> Iterator[Path]:
    """A temporary folder near ``folder``, renamed to it when the block ends without error.

    Parameters
    ----------
    folder : path
        Missing parents are made.
    overwrite : bool
        Replace an existing folder, but only once the new one is complete.
    ours : names or None
        Names of the files that we write into such a folder. Other files in a replaced folder belong
        to the user and are moved into the new one. None: the whole folder is ours.
    inputs : paths
        See `require_free_folder`, which is called first.
    task : Task, optional
        Is told what a killed run left.

    Raises
    ------
    InputError
        As `require_free_folder`, and when writing fails. Nothing is left behind then, and an
        earlier folder stays as it is.
    """
    names = None if ours is None else frozenset(ours)
    require_free_folder(folder, overwrite=overwrite, ours=names, inputs=inputs, task=task)
    final = Path(folder).resolve()
    made = _make_parents(final)
    staging: Staging | None = None
    try:
        staging = Staging(final)
        yield staging.new
        _tree_to_disk(staging.new)
        staging.put_in_place(names)
        _folder_to_disk(final.parent)
    except BaseException as error:
        if staging is not None:
            staging.discard()
        for parent in made:
            # Not empty where another program has written there meanwhile; it stays then.
            with suppress(OSError):
                parent.rmdir()
        # An error of `atomic_path` inside the block names the temporary folder, unknown to users.
        cause = error.__cause__ if isinstance(error, InputError) else error
        if isinstance(cause, OSError):
            raise InputError(f"Cannot write the output folder {folder}: {_why(cause)}.") from cause
        raise
    staging.discard()


def _make_parents(final: Path) -> list[Path]:
    """Make the missing parents. Returns them, the innermost first."""
    missing = [parent for parent in final.parents if not parent.exists()]
    try:
        final.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"Cannot make the folder {final.parent}: {_why(error)}.") from error
    return missing


def _same(one: Path, other: Path) -> bool:
    try:
        return one.samefile(other)
    except OSError:  # one of them is not there
        return False


def _to_disk(file: Path) -> None:
    # Windows flushes only what is open for writing.
    with file.open("rb+") as stream:
        os.fsync(stream.fileno())


def _tree_to_disk(folder: Path) -> None:
    for parent, _, names in os.walk(folder):
        for name in names:
            _to_disk(Path(parent, name))
        _folder_to_disk(Path(parent))


def _folder_to_disk(folder: Path) -> None:
    """Write a rename to the disk; systems that cannot do so for folders are left alone."""
    with suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _remove_orphans(folder: Path) -> None:
    """Remove temporary files of `replaced_file` whose process on this system was killed."""
    with suppress(OSError):
        for name in os.listdir(folder):  # noqa: PTH208 (names are all that is needed)
            found = _TEMPORARY.fullmatch(name)
            if found and found[1] == system_id() and not is_alive(int(found[2])):
                (folder / name).unlink(missing_ok=True)


def _why(error: OSError) -> str:
    if error.errno is None:  # numpy raises this where the system wrote a part of the bytes only
        return f"no space left on device, or a limit to the size of files ({error})"
    reason = error.strerror or str(error) or type(error).__name__
    return reason[:1].lower() + reason[1:]
