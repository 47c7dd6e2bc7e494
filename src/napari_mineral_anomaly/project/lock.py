"""One window writes into a project at a time; the lock of a killed process does not count."""

from __future__ import annotations

import json
import os
import socket
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import psutil

from napari_mineral_anomaly.errors import InputError
from napari_mineral_anomaly.grains.verdicts.book import now, user_name
from napari_mineral_anomaly.project.names import LOCK_FILE

# Clocks of processes are read to a hundredth of a second.
_SAME_START_S = 1.0


@dataclass(frozen=True)
class Holder:
    """Who has a project open: process, computer, user, and since when."""

    pid: int
    host: str
    who: str
    since: str
    started: float
    token: str

    @property
    def is_alive(self) -> bool:
        """Whether that process may still run; True for processes of other computers."""
        if self.host != socket.gethostname():
            return True
        try:
            started = float(psutil.Process(self.pid).create_time())
            return abs(started - self.started) < _SAME_START_S
        except psutil.NoSuchProcess:
            return False
        except psutil.Error:  # the process of another user
            return True

    @property
    def sentence(self) -> str:
        """Who that is, for people."""
        place = "another window" if self.host == socket.gethostname() else f"{self.host}"
        user = f" of {self.who}" if self.who else ""
        return f"{place}{user} (process {self.pid}, since {_local(self.since)})"


class ProjectLock:
    """The lock of a project that is open for writing; `open_lock` makes it."""

    def __init__(self, folder: Path, token: str) -> None:
        self.folder, self._token = folder, token

    @property
    def is_ours(self) -> bool:
        """Whether the lock is still there and still ours."""
        holder = holder_of(self.folder)
        return holder is not None and holder.token == self._token

    def release(self) -> None:
        """Give the project free; nothing happens where the lock is not ours any more."""
        if self.is_ours:
            with suppress(OSError):
                (self.folder / LOCK_FILE).unlink()


@dataclass(frozen=True)
class LockAttempt:
    """The lock, or the reason why there is none."""

    lock: ProjectLock | None
    why_not: str = ""
    took_over: bool = False


def open_lock(folder: Path) -> LockAttempt:
    """Lock a project for writing.

    A lock of a process of this computer that does not run any more is taken over. Where the folder
    cannot be locked, the attempt says why; the project can still be read.
    """
    path = folder / LOCK_FILE
    token, took_over = uuid4().hex, False
    for _ in range(3):
        try:
            _make(path, token)
            return LockAttempt(ProjectLock(folder, token), took_over=took_over)
        except FileExistsError:
            holder = holder_of(folder)
            if holder is not None and holder.is_alive:
                return LockAttempt(None, f"The project is open in {holder.sentence}.")
            took_over = _remove_dead(path, holder)
        except OSError as error:
            reason = (error.strerror or str(error)).lower()
            return LockAttempt(None, f"The project folder cannot be written: {reason}.")
    return LockAttempt(None, "The project is being opened by another window.")


def holder_of(folder: Path) -> Holder | None:
    """Who has locked a project; None where nobody has, or the lock cannot be understood."""
    try:
        found: Any = json.loads((folder / LOCK_FILE).read_text(encoding="utf-8"))
        return Holder(
            pid=int(found["pid"]),
            host=str(found["host"]),
            who=str(found["who"]),
            since=str(found["since"]),
            started=float(found["started"]),
            token=str(found["token"]),
        )
    except (OSError, ValueError, KeyError, TypeError):
        return None


def was_killed(folder: Path) -> bool:
    """Whether the process that had a project open has ended without closing it."""
    holder = holder_of(folder)
    return holder is not None and not holder.is_alive


def require_not_open(folder: Path) -> None:
    """Refuse to replace results that a window has open.

    Raises
    ------
    InputError
    """
    holder = holder_of(folder)
    if holder is not None and holder.is_alive:
        raise InputError(f"{folder} is open in {holder.sentence}: close it there first.")


def _local(when: str) -> str:
    """A time in UTC as the clock of this computer shows it."""
    try:
        return f"{datetime.fromisoformat(when).astimezone():%Y-%m-%d %H:%M}"
    except ValueError:
        return when


def _make(path: Path, token: str) -> None:
    """Write the lock under its name complete, or raise FileExistsError."""
    content = {
        "pid": os.getpid(),
        "host": socket.gethostname(),
        "who": user_name(),
        "since": now(),
        "started": psutil.Process().create_time(),
        "token": token,
    }
    own = path.with_name(f".{LOCK_FILE}.{token}")
    try:
        own.write_text(json.dumps(content, indent=1), encoding="utf-8")
        try:
            os.link(own, path)  # fails where the name is taken, and is never half-written
        except FileExistsError:
            raise
        except OSError:  # a file system without links
            with path.open("x", encoding="utf-8") as stream:
                stream.write(json.dumps(content, indent=1))
    finally:
        with suppress(OSError):
            own.unlink()


def _remove_dead(path: Path, holder: Holder | None) -> bool:
    """Take a dead lock away. Of two who try, one gets it; a living lock is put back."""
    aside = path.with_name(f".{LOCK_FILE}.{uuid4().hex}.dead")
    try:
        path.rename(aside)
    except OSError:
        return False
    try:
        taken = json.loads(aside.read_text(encoding="utf-8")).get("token")
    except (OSError, ValueError, AttributeError):
        taken = None
    if taken is not None and (holder is None or taken != holder.token):
        with suppress(OSError):
            os.link(aside, path)
    with suppress(OSError):
        aside.unlink()
    return True
