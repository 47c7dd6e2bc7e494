"""Draw the rooms of the package from its imports, as docs/images/rooms.svg.

    python docs/draw_rooms.py            write the picture
    python docs/draw_rooms.py --check    fail when the picture is not that of today's imports

A row is a room: its name, its number of files, and the first sentence of its docstring. Beside it
stands how often its files import files of the room above each column. All numbers are right of the
diagonal: imports go one way.
"""

from __future__ import annotations

import argparse
import ast
import sys
from collections import Counter
from html import escape
from pathlib import Path

import grimp

PACKAGE = "napari_mineral_anomaly"
SOURCES = Path(__file__).parents[1] / "src" / PACKAGE
PICTURE = Path(__file__).parent / "images" / "rooms.svg"
SMALL = "small files"

BOX_WIDTH, BOX_HEIGHT, GAP, LEFT, TOP, CELL = 600, 46, 8, 12, 74, 38


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true")
    svg = draw()
    if parser.parse_args().check:
        if PICTURE.exists() and PICTURE.read_text(encoding="utf-8") == svg:
            return 0
        print(f"{PICTURE.name} is not that of today's imports: run python docs/draw_rooms.py")
        return 1
    PICTURE.write_text(svg, encoding="utf-8")
    print(f"{PICTURE} written")
    return 0


def room_of(module: str) -> str | None:
    """The room of a module; the package itself and its entry points are in none."""
    parts = module.split(".")
    if len(parts) < 2 or parts[1].startswith("__"):
        return None
    return parts[1] if (SOURCES / parts[1]).is_dir() else SMALL


def imports() -> Counter[tuple[str, str]]:
    """How often a file of one room imports a file of another; a type-checking import counts."""
    graph = grimp.build_graph(PACKAGE)
    found: Counter[tuple[str, str]] = Counter()
    for module in graph.modules:
        for imported in graph.find_modules_directly_imported_by(module):
            here, there = room_of(module), room_of(imported)
            if here and there and here != there:
                found[here, there] += 1
    return found


def in_order(found: Counter[tuple[str, str]]) -> list[str]:
    """The rooms, those that import nothing last; there is such an order only without circles."""
    left = sorted({room for pair in found for room in pair})
    order: list[str] = []
    while left:
        free = [room for room in left if not any((other, room) in found for other in left)]
        if not free:
            raise SystemExit(f"These rooms import each other in a circle: {', '.join(left)}")
        order += free
        left = [room for room in left if room not in free]
    return order


def sentence(room: str) -> str:
    """The first sentence of the docstring of the room."""
    if room == SMALL:
        names = sorted(f.stem for f in SOURCES.glob("*.py") if not f.stem.startswith("__"))
        return f"What every room may use: {', '.join(names)}."
    text = (SOURCES / room / "__init__.py").read_text(encoding="utf-8")
    first = (ast.get_docstring(ast.parse(text)) or "").split("\n\n")[0]
    return first.replace("\n", " ").replace("`", "")


def n_files(room: str) -> int:
    if room == SMALL:
        return sum(1 for f in SOURCES.glob("*.py") if not f.stem.startswith("__"))
    return sum(1 for _ in (SOURCES / room).rglob("*.py"))


def draw() -> str:
    found = imports()
    order = in_order(found)
    width = LEFT + BOX_WIDTH + GAP + len(order) * CELL + 50
    height = TOP + len(order) * (BOX_HEIGHT + GAP)
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}"'
        f' width="{width}" height="{height}" font-family="sans-serif">',
        f'<rect width="{width}" height="{height}" fill="#ffffff"/>',
        f'<text x="{LEFT}" y="{TOP - 12}" font-size="12" fill="#555555">A room imports only rooms'
        " below it; the numbers count the imports.</text>",
    ]
    for number, room in enumerate(order):
        y = TOP + number * (BOX_HEIGHT + GAP)
        lines += [
            f'<rect x="{LEFT}" y="{y}" width="{BOX_WIDTH}" height="{BOX_HEIGHT}" rx="6"'
            ' fill="#eef3f8" stroke="#41618a"/>',
            f'<text x="{LEFT + 10}" y="{y + 19}" font-size="15" font-weight="bold">{room}</text>',
            f'<text x="{LEFT + BOX_WIDTH - 10}" y="{y + 19}" font-size="12" text-anchor="end"'
            f' fill="#555555">{n_files(room)} files</text>',
            f'<text x="{LEFT + 10}" y="{y + 37}" font-size="12">{escape(sentence(room))}</text>',
        ]
    lines += table(found, order)
    return "\n".join([*lines, "</svg>"]) + "\n"


def table(found: Counter[tuple[str, str]], order: list[str]) -> list[str]:
    """A column for each room: the number of imports from the room of the row."""
    lines = []
    for column, there in enumerate(order):
        x = LEFT + BOX_WIDTH + GAP + column * CELL
        lines.append(
            f'<text x="{x + CELL / 2:g}" y="{TOP - 8}" font-size="11" text-anchor="start"'
            f' transform="rotate(-40 {x + CELL / 2:g} {TOP - 8})">{there}</text>'
        )
        for row, here in enumerate(order):
            y = TOP + row * (BOX_HEIGHT + GAP)
            number = found[here, there]
            fill = "#41618a" if number else "#dddddd" if here == there else "#f6f6f6"
            lines.append(
                f'<rect x="{x}" y="{y}" width="{CELL - 3}" height="{BOX_HEIGHT}" rx="3"'
                f' fill="{fill}"/>'
            )
            if number:
                lines.append(
                    f'<text x="{x + (CELL - 3) / 2:g}" y="{y + BOX_HEIGHT / 2 + 4:g}"'
                    f' font-size="12" text-anchor="middle" fill="#ffffff">{number}</text>'
                )
    return lines


if __name__ == "__main__":
    sys.exit(main())
