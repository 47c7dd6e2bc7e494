"""Names of TIFF pages for programs that read neither OME nor our own tags: ImageJ and GDAL.

ImageJ shows the labels in its tags 50838 and 50839, in any TIFF. GDAL, and with it QGIS, shows the
band descriptions in tag 42112 of each page.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

import tifffile

_GDAL_METADATA = 42112

ExtraTag = tuple[int, Any, int | None, Any, bool]


def name_tags(names: Sequence[str], *, with_labels: bool) -> list[ExtraTag]:
    """Tags for `tifffile.imwrite`; GDAL's holds the first name until `name_pages` was called.

    Parameters
    ----------
    names : one per page; none where the pages have no names
    with_labels : bool
        Write ImageJ's labels too, where tifffile does not.
    """
    if not any(names):
        return []
    tags: list[ExtraTag] = [(_GDAL_METADATA, "s", None, _gdal_metadata(names)[0], False)]
    if with_labels:
        tags += tifffile.imagej_metadata_tag({"Labels": list(names)}, "<")
    return tags


def name_pages(path: Path, names: Sequence[str]) -> None:
    """Give each page of a TIFF that was written with `name_tags` its own band description.

    tifffile writes an extra tag once for all pages after the first. So the descriptions are put
    at the end of the file, and the tag of each page is pointed there.
    """
    if not any(names) or len(names) < 2:
        return
    with tifffile.TiffFile(path, mode="r+") as tif:
        tags = [page.aspage().tags[_GDAL_METADATA] for page in tif.pages]
        file, form = tif.filehandle, tif.tiff
        for tag, text in zip(tags, _gdal_metadata(names), strict=True):
            place = file.seek(0, os.SEEK_END)
            place += file.write(b"\0" * (place % 2))  # TIFF wants even places
            file.write(text + b"\0")
            # An entry is two numbers of 16 bits, the length of the value, and its place.
            file.seek(tag.offset + 4 + form.offsetsize)
            file.write(struct.pack(form.offsetformat, place))


def _gdal_metadata(names: Sequence[str]) -> list[bytes]:
    """The tag of each page, all of one length, so that each fits into the place of the first."""
    texts = []
    for name in names:
        text = escape(escape(name))  # twice, as GDAL does: it unescapes an item after the XML
        item = f'<Item name="DESCRIPTION" sample="0" role="description">{text}</Item>'
        # Characters beyond ASCII as references: the tag is ASCII.
        text = f"<GDALMetadata>\n  {item}\n</GDALMetadata>\n"
        texts.append(text.encode("ascii", "xmlcharrefreplace"))
    longest = max(map(len, texts))
    return [text.ljust(longest) for text in texts]
