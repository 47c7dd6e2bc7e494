"""What GDAL writes into a TIFF or beside it: missing values, names, scales and units of bands.

Tag 42113 is the missing value as text. Tag 42112 is XML: ``<Item name="SCALE" sample="0"
role="scale">0.01</Item>``; sample counts the bands from 0. The file `Fe.tif.aux.xml` beside a TIFF
holds what a program could not write into it (GDAL: Persistent Auxiliary Metadata).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from xml.etree import ElementTree
from xml.sax.saxutils import unescape

from napari_mineral_anomaly.io.formats.shared.steps import Missing, Scale

_METADATA, _NO_DATA = 42112, 42113
_MOST_BYTES = 1_000_000
_ROLES = ("description", "scale", "offset", "unittype")
_TAG, _BESIDE = "the GDAL tag for missing values", "the .aux.xml file beside the TIFF"


@dataclass
class GdalFacts:
    """What GDAL says of the bands of a page.

    Attributes
    ----------
    items : dict of (str, int) to str
        Role ("scale") and number of the band from 0; band -1 stands for all.
    missing : dict of int to (float, str)
        The missing value of a band, or of all (-1), and where it stands.
    scale_source : str
    notes : list of str
    """

    items: dict[tuple[str, int], str] = field(default_factory=dict)
    missing: dict[int, tuple[float, str]] = field(default_factory=dict)
    scale_source: str = "the GDAL metadata"
    notes: list[str] = field(default_factory=list)

    def text(self, role: str, band: int) -> str:
        """An item of a band, or of all bands; "" without it."""
        return self.items.get((role, band), self.items.get((role, -1), "")).strip()

    def name(self, band: int) -> str:
        """The name that the file gives a band."""
        return self.items.get(("description", band), "").strip()

    def missing_step(self, band: int) -> Missing | None:
        """The missing value of a band."""
        found = self.missing.get(band, self.missing.get(-1))
        return None if found is None else Missing((found[0],), found[1])

    def scale_step(self, band: int) -> Scale | None:
        """Scale and offset of a band; what is no number counts as not there, with a note."""
        factor, offset = self._scaling("scale", band, 1.0), self._scaling("offset", band, 0.0)
        return None if (factor, offset) == (1, 0) else Scale(factor, offset, self.scale_source)

    def _scaling(self, role: str, band: int, default: float) -> float:
        text = self.text(role, band)
        value = _number(text)
        if not text:
            return default
        if value is None or not math.isfinite(value) or (role, value) == ("scale", 0):
            self.notes.append(
                f"the {role.upper()} in {self.scale_source} is {text[:40]!r}, which scales "
                "nothing; it is not used"
            )
            return default
        return float(value)

    @property
    def n_bands(self) -> int:
        """How many bands the items are about."""
        return 1 + max((band for _, band in self.items), default=-1)


def facts_of_pages(path: Path, pages: Mapping[int, Any]) -> dict[int, tuple[GdalFacts, int]]:
    """What GDAL says of each page with maps, and the band that the first map of the page is.

    The file beside the TIFF is about the first page. Programs that write the tags once, on the
    first page, mean all pages: its missing value holds for pages without one, and the bands that
    it counts are the pages where each page is one map.
    """
    found: dict[int, tuple[GdalFacts, int]] = {}
    first: GdalFacts | None = None
    for order, (i, page) in enumerate(pages.items()):
        if first is None:
            first = _facts(page, _beside(path))
            counts_pages = first.n_bands > 1 and page.samplesperpixel == 1
            found[i] = (first, 0)
        elif counts_pages and page.tags.get(_METADATA) is None:
            found[i] = (first, order)
        else:
            facts = _facts(page, None)
            facts.missing = facts.missing or first.missing
            found[i] = (facts, 0)
    return found


def _facts(page: Any, beside: ElementTree.Element | None) -> GdalFacts:
    facts = GdalFacts()
    for band in [] if beside is None else beside.findall("PAMRasterBand"):
        _add_from_beside(facts, band)
    tag = page.tags.get(_METADATA)
    if tag is not None:
        root = _parsed(str(tag.value))
        if root is None:
            facts.notes.append("its GDAL metadata are damaged and not used")
        else:
            _add_items(facts, root)
    tag = page.tags.get(_NO_DATA)
    text = "" if tag is None else str(tag.value).strip(" \t\r\n\0")
    if text:
        value = _number(text)
        if value is None:
            facts.notes.append(
                f"its GDAL tag for missing values holds {text[:40]!r}, which is no number; "
                "no value counts as missing"
            )
        else:
            facts.missing = {-1: (value, _TAG)}
    return facts


def _add_items(facts: GdalFacts, root: ElementTree.Element) -> None:
    scaled = False
    for item in root.iter("Item"):
        role = item.get("role", item.get("name", "") if item.get("name", "").isupper() else "")
        if item.get("domain") or role.lower() not in _ROLES:
            continue
        try:
            band = int(item.get("sample", "-1"))
        except ValueError:
            continue
        facts.items[role.lower(), band] = unescape(item.text or "")  # GDAL escapes it twice
        scaled |= role.lower() in ("scale", "offset")
    if scaled:
        facts.scale_source = "the GDAL metadata"


def _add_from_beside(facts: GdalFacts, band: ElementTree.Element) -> None:
    try:
        number = int(band.get("band", "1")) - 1
    except ValueError:
        return
    names = {"Description": "description", "Scale": "scale", "Offset": "offset"}
    for child, role in (names | {"UnitType": "unittype"}).items():
        if text := band.findtext(child):
            facts.items[role, number] = text
            if role in ("scale", "offset"):
                facts.scale_source = _BESIDE
    value = _number(band.findtext("NoDataValue") or "")
    if value is not None:
        facts.missing[number] = (value, _BESIDE)


def _number(text: str) -> float | None:
    """A number as GDAL writes it; whole numbers are exact, also beyond 53 bits."""
    text = text.strip()
    try:
        whole = int(text)
        return whole if abs(whole) < 2**64 else float(whole)
    except (ValueError, OverflowError):
        pass
    try:
        return float(text)
    except ValueError:
        return None


def _beside(path: Path) -> ElementTree.Element | None:
    beside = path.with_name(path.name + ".aux.xml")
    try:
        if not beside.is_file() or beside.stat().st_size > _MOST_BYTES:
            return None
        return _parsed(beside.read_text("utf-8-sig", errors="replace"))
    except OSError:
        return None


def _parsed(text: str) -> ElementTree.Element | None:
    try:
        return ElementTree.fromstring(text.strip(" \t\r\n\0"))
    except (ElementTree.ParseError, ValueError):
        return None
