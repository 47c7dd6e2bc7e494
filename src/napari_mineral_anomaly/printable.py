"""Text of others, such as names of files, in a form that can be shown, printed and stored.

A name on a disk may hold any byte: line ends, codes that steer a terminal, marks that turn the
direction of writing, and bytes that are no letters at all (Python keeps these as surrogates).
"""

from __future__ import annotations

import unicodedata

# Control characters, marks without a sign of their own, surrogates, ends of lines and paragraphs.
_HIDDEN = frozenset(("Cc", "Cf", "Cs", "Zl", "Zp"))
# Join letters or keep them apart; several scripts need them.
_JOINERS = "\u200c\u200d"
_BLANKS = "\t\n\v\f\r\x85\u2028\u2029"


def shown(name: str) -> str:
    r"""A name as it may be shown: characters that cannot be seen become "\n", "\x1b", "\u202e".

    A byte that is no letter in UTF-8 becomes "\xb5". The answer is printable, and is valid UTF-8.
    """
    return name if name.isprintable() else "".join(map(_visible, name))


def one_line(text: str) -> str:
    """A sentence as it may be shown: on one line, and otherwise as `shown`."""
    if text.isprintable():
        return text
    return "".join(" " if c in _BLANKS else _visible(c) for c in text)


def _visible(c: str) -> str:
    if c in _JOINERS or unicodedata.category(c) not in _HIDDEN:
        return c
    if "\udc80" <= c <= "\udcff":  # a byte that Python could not decode (PEP 383)
        return f"\\x{ord(c) - 0xDC00:02x}"
    return c.encode("unicode_escape").decode("ascii")
