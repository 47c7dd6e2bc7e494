"""From the bytes of a text file to its lines: gzip, encoding and line ends, told by content."""

from __future__ import annotations

import gzip
from dataclasses import dataclass
from pathlib import Path

from napari_mineral_anomaly.errors import InputError
from napari_mineral_anomaly.io.formats.shared.disk.guards import (
    explained,
    read_limited,
    require_memory,
)

# The text, its lines and its numbers are in memory together.
_TEXT_SHARE = 0.2
_GZIP_MAGIC = b"\x1f\x8b"
# Marks at the start of a file; that of UTF-32 begins with that of UTF-16.
_MARKS = (
    (b"\xff\xfe\x00\x00", "utf-32", "UTF-32"),
    (b"\x00\x00\xfe\xff", "utf-32", "UTF-32"),
    (b"\xff\xfe", "utf-16", "UTF-16"),
    (b"\xfe\xff", "utf-16", "UTF-16"),
    (b"\xef\xbb\xbf", "utf-8-sig", "UTF-8"),
)
_PROBE = 4096
_END_OF_FILE = "\x1a"  # DOS programs end a text with it


@dataclass(frozen=True)
class Text:
    """The lines of a text file.

    Attributes
    ----------
    lines : list of str
        Without line ends, and without blank lines above the first and below the last.
    encoding : str
        "UTF-8", "UTF-16", "Windows code page 1252" ...; "" where every character is ASCII.
    first_line : int
        Number of the first line in the file, from 1.
    line_step : int
        2 where every second line of the file is empty (a line end too many); these are left out.
    """

    lines: list[str]
    encoding: str
    first_line: int
    line_step: int = 1

    @property
    def steps(self) -> tuple[str, ...]:
        """The encoding in words for the report; () for ASCII and UTF-8."""
        if self.encoding in ("", "UTF-8"):
            return ()
        return (f"the text is read as {self.encoding}",)


def is_gzip(path: Path) -> bool:
    """Whether a file is gzipped, by its content."""
    with path.open("rb") as file:
        return file.read(2) == _GZIP_MAGIC


def read_text(path: Path, kind: str, n_bytes: int = -1) -> Text:
    """The lines of a file, unpacked and decoded.

    The encoding is that of the mark at the start (UTF-8, UTF-16, UTF-32); else UTF-16 where every
    second byte is zero; else UTF-8 where all bytes fit it; else code page 1252 of Windows, or
    Latin-1 where a byte has no character in 1252.

    Parameters
    ----------
    path : Path
    kind : str
        What the file should be ("text matrix"), for the sentence.
    n_bytes : int
        How much of it to read (unpacked); -1 for all.

    Raises
    ------
    InputError
        When the file is empty, damaged or no text.
    """
    with explained(path, kind):
        if is_gzip(path):
            with gzip.open(path) as unpacked:
                raw = read_limited(path, unpacked, n_bytes, _TEXT_SHARE)
        else:
            if n_bytes < 0:
                needed = int(path.stat().st_size / _TEXT_SHARE)
                require_memory(path, needed, "its text and numbers")
            with path.open("rb") as file:
                raw = file.read(n_bytes)
    if not raw.strip():
        raise _empty(path)
    text, encoding = _decoded(path, raw, is_cut=len(raw) == n_bytes)
    if "\r" in text:
        text = text.replace("\r\r\n", "\n").replace("\r\n", "\n").replace("\r", "\n")
    # Not splitlines, which also splits at control characters; programs that read text do not.
    lines = text.rstrip(_END_OF_FILE).split("\n")
    while lines and not lines[-1].strip():
        lines.pop()
    above = next((i for i, line in enumerate(lines) if line.strip()), len(lines))
    if above == len(lines):
        raise _empty(path)
    lines = lines[above:] if above else lines
    step = 2 if len(lines) > 4 and not any(map(str.strip, lines[1::2])) else 1
    return Text(lines[::step], encoding, above + 1, step)


def _empty(path: Path) -> InputError:
    return InputError(f"{path.name} is empty; export it again or move it out of the folder.")


def _decoded(path: Path, raw: bytes, is_cut: bool) -> tuple[str, str]:
    for mark, codec, name in _MARKS:
        if raw.startswith(mark):
            return raw.decode(codec, errors="replace"), name
    if wide := _utf16_without_mark(raw[:_PROBE]):
        return raw.decode(wide, errors="replace"), "UTF-16"
    zero = raw.find(b"\x00")
    if 0 <= zero < _PROBE:
        if is_gzip(path):
            raise InputError(
                f"{path.name} is packed, and what is in it is not text: unpack it first."
            )
        raise InputError(f"{path.name} is not text although its name says so.")
    if zero >= 0:
        raise InputError(
            f"{path.name} is damaged: its byte {zero + 1} is zero, which no text holds."
        )
    if raw.isascii():
        return raw.decode("ascii"), ""
    try:
        return raw.decode("utf-8"), "UTF-8"
    except UnicodeDecodeError as error:
        if is_cut and error.start >= len(raw) - 3:  # the last character is cut
            return raw[: error.start].decode("utf-8"), "UTF-8"
    try:
        return raw.decode("cp1252"), "Windows code page 1252"
    except UnicodeDecodeError:
        return raw.decode("latin-1"), "Latin-1"


def _utf16_without_mark(start: bytes) -> str:
    """The byte order of UTF-16 without a mark: the high bytes of digits and separators are zero."""
    even, odd = start[0::2], start[1::2]
    if len(odd) < 4:
        return ""
    if odd.count(0) >= 0.9 * len(odd) and 0 not in even:
        return "utf-16-le"
    if even.count(0) >= 0.9 * len(even) and 0 not in odd:
        return "utf-16-be"
    return ""
