"""Write the tables of formats into docs/formats.md, from the registry of formats.

    python docs/write_formats.py            write the tables
    python docs/write_formats.py --check    fail when they are not those of the registry

Each table stands between two comments, ``<!-- NAME: ... -->`` and ``<!-- end of NAME -->``.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Iterable, Sequence
from dataclasses import astuple
from pathlib import Path

from napari_mineral_anomaly.io.formats.registry import FORMATS

PAGE = Path(__file__).parent / "formats.md"
HEADINGS = {
    "maps": ("what", "how the element is known", "pixel size", "tried on a real file", "not read"),
    "spectra": ("what", "tried on a real file"),
    "refused": ("file", "what it is", "what to do"),
}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true")
    page = PAGE.read_text(encoding="utf-8")
    new = with_tables(page)
    if parser.parse_args().check:
        if page == new:
            return 0
        print(f"{PAGE.name} has not the tables of the registry: run python docs/write_formats.py")
        return 1
    PAGE.write_text(new, encoding="utf-8")
    print(f"{PAGE} written")
    return 0


def with_tables(page: str) -> str:
    """The page with the tables of the registry between its comments."""
    rows = {
        "maps": [astuple(row) for one in FORMATS for row in one.maps_in_docs],
        "spectra": [astuple(row) for one in FORMATS for row in one.spectra_in_docs],
        "refused": [
            (" ".join(f"`{ending}`" for ending in one.endings), one.kind, one.advice)
            for one in FORMATS
            if one.advice
        ],
    }
    for name, heading in HEADINGS.items():
        note = "written by docs/write_formats.py from io/formats/registry.py"
        text = f"<!-- {name}: {note} -->\n\n{table(heading, rows[name])}\n<!-- end of {name} -->"
        pattern = re.compile(rf"<!-- {name}: .*?<!-- end of {name} -->", re.DOTALL)
        if len(pattern.findall(page)) != 1:
            raise SystemExit(f"{PAGE.name} needs the comments of {name} exactly once.")
        page = pattern.sub(lambda _, text=text: text, page)
    return page


def table(heading: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table in Markdown."""
    lines = [heading, ["---"] * len(heading), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


if __name__ == "__main__":
    sys.exit(main())
