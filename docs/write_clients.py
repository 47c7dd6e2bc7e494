"""Write the table of other programs into docs/export.md, from what the tests with them saw.

    python docs/write_clients.py            write the table
    python docs/write_clients.py --check    fail when it is not that of measured/clients.json

``make test-clients`` runs the tests and writes measured/clients.json.
"""

from __future__ import annotations

import argparse
import json
import re
from pathlib import Path

HERE = Path(__file__).parent
PAGE, SEEN = HERE / "export.md", HERE / "measured" / "clients.json"
COLUMNS = {
    "client": "program",
    "file": "file",
    "values": "values",
    "um": "µm (down x across)",
    "names": "names",
    "missing": "missing pixels (row, column)",
}
BETWEEN = re.compile(r"(<!-- clients: .*? -->\n).*?(<!-- end of clients -->)", re.DOTALL)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true")
    page = PAGE.read_text(encoding="utf-8")
    lines = [list(COLUMNS.values()), ["---"] * len(COLUMNS)]
    for row in json.loads(SEEN.read_text(encoding="utf-8")):
        lines.append([row.get(key, "-").replace("|", "\\|") for key in COLUMNS])
    table = "\n".join(f"| {' | '.join(cells)} |" for cells in lines)
    new, n = BETWEEN.subn(lambda found: f"{found[1]}\n{table}\n\n{found[2]}", page)
    if n != 1:
        raise SystemExit(f"{PAGE.name} needs the comments of clients exactly once.")
    if parser.parse_args().check:
        if new != page:
            print(f"{PAGE.name} has not the table of {SEEN.name}: run docs/write_clients.py")
        return int(new != page)
    PAGE.write_text(new, encoding="utf-8")
    print(f"{PAGE} written")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
