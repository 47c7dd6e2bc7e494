"""Replace a folder so that a kill at any moment loses nothing and leaves nothing for good.

The new folder is made in a hidden *staging folder* beside the final place::

    .OUT.unfinished-k3x9/lock    held by the writer as long as it lives
                         new/    the new folder, until it is complete
                         kept/   the user's own files, while they are moved from the old to the new
                         old/    the folder that was replaced, until it is removed

Which of these are there tells how far a killed writer came, so the next one can put things right
(`repair`). The lock tells a writer that was killed from one that lives.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import stat
import sys
import tempfile
import time
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from filelock import FileLock, Timeout

from napari_mineral_anomaly.errors import InputError
from napari_mineral_anomaly.words import listed

_MARK = "unfinished-"
_LOCK, _NEW, _KEPT, _OLD = "lock", "new", "kept", "old"
_DONE = "-done"
_LONGEST_NAME = 200  # bytes; file systems take 255, and the mark needs its place
# A staging folder without a lock is left alone so long: its writer may be about to lock it.
_SECONDS_TO_LOCK = 60.0


class Staging:
    """The staging folder of one writer; `new` is filled, then `put_in_place` is called.

    Parameters
    ----------
    final : Path
        Resolved; its parent exists.
    """

    def __init__(self, final: Path) -> None:
        self.final = final
        self.folder = Path(tempfile.mkdtemp(prefix=_prefix(final), dir=final.parent))
        self._lock = _lock_of(self.folder)
        self.new = self.folder / _NEW
        try:
            self._lock.acquire()
            self.new.mkdir()
        except BaseException:
            self.discard()
            raise

    def put_in_place(self, ours: frozenset[str] | None) -> None:
        """Rename `new` to the final place; files in a replaced folder that are not ours stay.

        Parameters
        ----------
        ours : frozenset of str or None
            Names that are replaced; None: everything.

        Raises
        ------
        OSError
            Before the new folder is in its place; the old one is as it was then.
        InputError
            When a file of the user could not be moved into the new folder.
        """
        try:
            if self.final.exists():
                self._move_aside(ours)
            self.new.replace(self.final)
        except BaseException:
            _undo(self.folder, self.final)
            raise
        try:
            _move_back(self.folder, self.final)
        except OSError as error:
            raise InputError(
                f"The results are in {self.final}, but your own files there could not be moved "
                f"back ({error.strerror or error}): they are in {self.folder / _KEPT}."
            ) from None

    def discard(self) -> None:
        """Remove what is left of the staging folder; the user's files in it stay."""
        self._lock.release()
        _remove(self.folder)

    def _move_aside(self, ours: frozenset[str] | None) -> None:
        if ours is not None:
            kept = self.folder / _KEPT
            kept.mkdir()
            for entry in sorted(self.final.iterdir()):
                if entry.name not in ours:
                    entry.replace(kept / entry.name)
        self.final.replace(self.folder / _OLD)


def repair(final: Path) -> list[str]:
    """Put right what killed writers of a folder left beside it.

    Parameters
    ----------
    final : Path
        Resolved; need not exist.

    Returns
    -------
    list of str
        What was done, a sentence each; empty where nothing was left.

    Raises
    ------
    InputError
        When something that belongs to the user cannot be put back.
    """
    told = []
    for folder in leftovers(final):
        lock = _lock_of(folder)
        try:
            lock.acquire(blocking=False)
        except (Timeout, OSError):  # its writer lives, or the folder is not ours to change
            continue
        try:
            told.append(_repaired(folder, final))
        except OSError as error:
            raise InputError(
                f"An interrupted run left files of {final} in {folder}, and they cannot be put "
                f"back: {error.strerror or error}; move them by hand."
            ) from error
        finally:
            lock.release()
            _remove(folder)
    return told


def leftovers(final: Path) -> list[Path]:
    """Staging folders of a folder, except those that a writer has only just made."""
    try:
        beside = [path for path in final.parent.iterdir() if path.name.startswith(_prefix(final))]
    except OSError:  # no such parent, or not to be listed
        return []
    return sorted(path for path in beside if path.is_dir() and not _is_fresh(path))


def require_replaceable(folder: Path, ours: Iterable[str] | None) -> None:
    """Refuse to replace a folder that holds protected files, before anything is computed.

    Parameters
    ----------
    folder : Path
    ours : names or None
        Entries that will be removed; the others are only moved. None: all are removed.

    Raises
    ------
    InputError
        When an entry may not be removed or moved: it is immutable, or in a read-only folder.
    """
    removed = None if ours is None else frozenset(ours)
    protected = []
    for entry in folder.iterdir():
        below = entry.rglob("*") if removed is None or entry.name in removed else ()
        protected += [path for path in (entry, *below) if _is_protected(path)]
    if protected or _is_protected(folder):
        names = [path.relative_to(folder).as_posix() for path in protected[:3]]
        raise InputError(
            f"{folder} cannot be replaced: {listed(names) or 'it'} "
            f"{'are' if len(names) > 1 else 'is'} protected against changes; lift the protection "
            "or choose another folder."
        )


def _prefix(final: Path) -> str:
    name = final.name
    if len(os.fsencode(name)) > _LONGEST_NAME:
        name = hashlib.sha256(os.fsencode(name)).hexdigest()[:32]
    return f".{name}.{_MARK}"


def _lock_of(folder: Path) -> FileLock:
    return FileLock(folder / _LOCK, thread_local=False)


def _is_fresh(folder: Path) -> bool:
    if folder.name.endswith(_DONE):
        return False
    try:
        age = time.time() - folder.stat().st_mtime
        return not (folder / _LOCK).exists() and age < _SECONDS_TO_LOCK
    except OSError:  # its writer has just ended
        return True


def _repaired(folder: Path, final: Path) -> str:
    had_old, had_kept = (folder / _OLD).exists(), (folder / _KEPT).exists()
    is_new_there = not (folder / _NEW).exists()
    _undo(folder, final)
    if had_kept and is_new_there:
        return f"Finished an interrupted run: your own files are in {final} again."
    if had_kept or (had_old and not is_new_there):
        return f"Put {final} back as it was before an interrupted run."
    return f"Removed what an interrupted run had left beside {final}."


def _undo(folder: Path, final: Path) -> None:
    """Put the old folder, if it was moved, and the user's files back."""
    old = folder / _OLD
    if old.exists() and (folder / _NEW).exists():
        with suppress(OSError):
            final.rmdir()  # an empty one that somebody has made since
        old.replace(_free(final))
    _move_back(folder, final)


def _move_back(folder: Path, final: Path) -> None:
    kept = folder / _KEPT
    if not kept.is_dir():
        return
    for entry in sorted(kept.iterdir()):
        final.mkdir(exist_ok=True)
        entry.replace(_free(final / entry.name))
    kept.rmdir()


def _free(path: Path) -> Path:
    """The path, or one beside it where it is taken."""
    number, free = 1, path
    while os.path.lexists(free):
        number += 1
        free = path.with_name(f"{path.stem} ({number}){path.suffix}")
    return free


def _remove(folder: Path) -> None:
    """Remove a staging folder, but never files of the user that are still in it."""
    for part in (_NEW, _OLD):
        shutil.rmtree(folder / part, ignore_errors=True)
    with suppress(OSError):
        (folder / _KEPT).rmdir()
    if not any((folder / part).exists() for part in (_NEW, _OLD, _KEPT)):
        # Without its lock the folder would look like one that a writer has just made.
        with suppress(OSError):
            folder = folder.replace(folder.with_name(folder.name + _DONE))
        shutil.rmtree(folder, ignore_errors=True)


def _is_protected(path: Path) -> bool:
    try:
        found = path.lstat()
    except OSError:
        return False
    if stat.S_ISDIR(found.st_mode) and not os.access(path, os.W_OK):
        return True
    if getattr(found, "st_flags", 0) & (stat.UF_IMMUTABLE | stat.SF_IMMUTABLE):  # macOS, BSD
        return True
    return sys.platform == "linux" and _is_immutable(path, found.st_mode)


def _is_immutable(path: Path, mode: int) -> bool:
    """Whether ``chattr +i`` or ``+a`` protects a file (ioctl_iflags(2))."""
    if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
        return False
    import fcntl

    get_flags, immutable, append_only = 0x80086601, 0x10, 0x20
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW)
    except OSError:  # not to be read, which does not hinder its removal
        return False
    try:
        flags = int.from_bytes(fcntl.ioctl(handle, get_flags, bytes(8))[:4], sys.byteorder)
    except OSError:  # a file system without such flags
        return False
    finally:
        os.close(handle)
    return bool(flags & (immutable | append_only))
