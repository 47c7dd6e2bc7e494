"""Lists the files of one scan, from the folder, file or files that the user names."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from napari_mineral_anomaly.errors import InputError
from napari_mineral_anomaly.io.formats.lookup import kind_of, maps_format, rank_of
from napari_mineral_anomaly.io.formats.registry import ZARR
from napari_mineral_anomaly.io.formats.shared.disk.places import entries, is_file, is_folder
from napari_mineral_anomaly.printable import shown
from napari_mineral_anomaly.scan.report import IgnoredFile

Source = str | os.PathLike[str] | Sequence[str | os.PathLike[str]]

_SYSTEM_FILES = ("thumbs.db", "ehthumbs.db", "desktop.ini", "icon\r")
_BACKUPS = ("~", ".bak", ".orig", ".swp")
_UNFINISHED = (".crdownload", ".part", ".partial", ".download", ".filepart", ".tmp")


@dataclass(frozen=True)
class Listing:
    """The files of one scan.

    Attributes
    ----------
    root : Path
        The folder or the single file.
    files : tuple of Path
        Files with a reader of maps, and a single file that the user named; in a fixed order.
    ignored : tuple of IgnoredFile
        The others, with reasons; their names as they can be shown.
    others : tuple of Path
        The files of ``ignored`` on the disk, in the same order.
    unreadable : tuple of Path
        Those among them that this user may not open.
    dataset : str or None
        The array in a single file that the user named ("file.h5::/path").
    """

    root: Path
    files: tuple[Path, ...]
    ignored: tuple[IgnoredFile, ...] = ()
    dataset: str | None = None
    others: tuple[Path, ...] = ()
    unreadable: tuple[Path, ...] = ()

    @property
    def is_single(self) -> bool:
        """Whether the user named one file."""
        return self.files == (self.root,)

    def name(self, path: Path) -> str:
        """The name of a file in the report: its path below the root, as it can be shown."""
        if path == self.root or self.root not in path.parents:
            return shown(path.name)
        return shown(path.relative_to(self.root).as_posix())


def list_source(source: Source) -> Listing:
    """List the files of one scan; nothing is opened.

    Parameters
    ----------
    source : path or sequence of paths
        A folder, a file, several files, or an array in a file ("file.h5::/path"). A Zarr store
        counts as a file although it is a folder.

    Raises
    ------
    InputError
        When something does not exist, or when several folders are given.
    """
    given = [source] if isinstance(source, (str, os.PathLike)) else source
    try:
        paths = [Path(item) for item in given if str(item)]
    except TypeError:
        raise InputError(f"A path, or a list of paths, is needed; got {source!r}.") from None
    if not paths:
        raise InputError("No folder or file was given.")
    dataset = None
    if len(paths) == 1:
        paths[0], dataset = split_dataset(paths[0])
    for path in paths:
        _require_existing(path)
    if len(paths) == 1:
        is_listed = is_folder(paths[0]) and not ZARR.takes(paths[0])
        if is_listed and dataset is not None:
            raise InputError(f"{paths[0]} is a folder; an array can be named in a file only.")
        return _list_folder(paths[0]) if is_listed else Listing(paths[0], (paths[0],), (), dataset)
    folders = [path for path in paths if is_folder(path)]
    if folders:
        raise InputError(
            f"{folders[0]} is a folder among {len(paths)} inputs; "
            "one scan is one folder, or one or more files."
        )
    return _list_files(_common_folder(paths), list(dict.fromkeys(paths)))


def split_dataset(path: Path) -> tuple[Path, str | None]:
    """Split "scan.h5::/entry/maps" into the file and the path of the array in it."""
    file, mark, dataset = str(path).partition("::")
    if not mark or path.exists():
        return path, None
    return Path(file), "/" + dataset.replace("\\", "/").strip("/")


def folders_with_maps(folder: Path) -> list[str]:
    """Names of the direct subfolders that may be scans, without links to a folder above.

    Folders that this user may not list, and those that vanish meanwhile, are left out.
    """
    found = []
    for path in entries(folder):
        if ZARR.takes(path) or (
            is_folder(path)
            and not _leads_up(path, folder)
            and any(maps_format(file) and is_file(file) for file in entries(path))
        ):
            found.append(path.name)
    return found


def _leads_up(path: Path, folder: Path) -> bool:
    """Whether a folder is, by a link, the folder itself or one above it."""
    try:
        return folder.resolve().is_relative_to(path.resolve())
    except (OSError, RuntimeError):  # a circle of links
        return True


def _require_existing(path: Path) -> None:
    try:
        exists = path.exists()
    except OSError as error:  # for example a name longer than the file system allows
        raise InputError(f"{path} cannot be opened: {error.strerror}.") from None
    except ValueError:  # a null character
        raise InputError(f"{path} is not a name of a file or folder.") from None
    if not exists:
        kind = "leads nowhere" if path.is_symlink() else "does not exist"
        raise InputError(f"{path} {kind}; check the spelling and the drive.")
    if not is_folder(path) and not is_file(path):
        raise InputError(
            f"{path} is neither a file nor a folder but a pipe or a device: copy what it holds to "
            "a file."
        )
    if not os.access(path, os.R_OK):
        raise InputError(f"{path} cannot be read: permission denied; ask its owner or copy it.")


def _list_folder(folder: Path) -> Listing:
    try:
        found = list(folder.iterdir())
    except OSError as error:
        raise InputError(
            f"{folder} cannot be listed: {error.strerror}; check the drive and your rights to it."
        ) from None
    return _list_files(folder, found)


def _list_files(root: Path, paths: Sequence[Path]) -> Listing:
    files, others, ignored, unreadable = [], [], [], []
    for path in sorted(paths, key=_order):
        reason = _why_not(path)
        if not reason and (denied := _denied(path)):
            unreadable.append(path)
            reason = denied
        if reason:
            others.append(path)
            ignored.append(IgnoredFile(file=path.name, reason=reason))
        else:
            files.append(path)
    return Listing(
        root,
        tuple(files),
        tuple(ignored),
        others=tuple(others),
        unreadable=tuple(unreadable),
    )


def _order(path: Path) -> tuple[str, int, str]:
    """By name without extension, so that "Al.tif" comes before "Al (1).tif"."""
    return path.stem.casefold(), rank_of(path), path.name


def _why_not(path: Path) -> str:
    """Why a file cannot hold maps, by its name and kind; "" if it may."""
    name = path.name.casefold()
    if name.startswith(".") or name in _SYSTEM_FILES:
        return "a hidden file of the system"
    if name.startswith(("~$", ".~")):
        return "a lock file of an open document"
    if name.endswith(_BACKUPS) or (name.startswith("#") and name.endswith("#")):
        return "a backup copy of an editor"
    if name.endswith(_UNFINISHED):
        return "an unfinished download or copy"
    if is_folder(path):
        found = maps_format(path) if path.suffix else None
        if found is not None and not found.holds_scan and ZARR.takes(path):
            return ""  # a store with one map
        kind = "a Zarr store" if ZARR.takes(path) else "a folder"
        return f"{kind}; open it on its own"
    if not is_file(path):
        return "a link that leads nowhere" if path.is_symlink() else "not an ordinary file"
    return "" if maps_format(path) else kind_of(path)


def _denied(path: Path) -> str:
    """Why an ordinary file cannot be opened, in words; "" if it can.

    A file is opened to find out: on Windows its rights do not tell, and another program may have
    locked it.
    """
    if is_folder(path):
        return ""
    try:
        with path.open("rb"):
            return ""
    except PermissionError:
        return "cannot be read: permission denied, or another program has locked it"
    except OSError as error:
        return f"cannot be read: {error.strerror or error}"


def _common_folder(paths: Sequence[Path]) -> Path:
    parents = {path.parent for path in paths}
    if len(parents) == 1:
        return parents.pop()
    try:
        return Path(os.path.commonpath([path.absolute() for path in paths]))
    except ValueError:  # files on different drives of Windows
        return paths[0].parent
