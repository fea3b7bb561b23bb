"""Checks for links and exported tables, which are independent of trayalert.

The checks follow what browsers and spreadsheets do, and use none of trayalert's code.
"""

import csv
import io
import re
import unicodedata
from urllib.parse import unquote, urlsplit

_LINK = re.compile(r"https://(?:[a-z0-9-]+\.)+console\.(?:aliyun|alibabacloud)\.com(?:[/?#][!-~]*)?")
_WIDE = str.maketrans({"\uff1d": "=", "\uff0b": "+", "\uff0d": "-", "\uff20": "@", "\u2212": "-", "\ufe63": "-"})
_NUMBERS = {"id", "value", "incident_id", "deliveries"}
_NUMBER = re.compile(r"-?[0-9]+(?:\.[0-9]+)?(?:e[+-]?[0-9]+)?|")


def leads_to_console(url: str) -> bool:
    """Return whether the URL leads a browser to a web console of Alibaba Cloud.

    The URL must begin with https, and must contain no user name, password or port.
    """
    if not _LINK.fullmatch(url) or "\\" in url:
        return False
    try:
        parts = urlsplit(url)
        plain = (parts.scheme, parts.username, parts.password, parts.port) == ("https", None, None, None)
    except ValueError:
        return False
    return plain


def link_is_safe(url: str) -> bool:
    """Return whether a link made by trayalert can lead only to the intended console page.

    The path must not contain `.` or `..` as a segment. The link must not contain characters that could end an HTML
    attribute.
    """
    climbs = any(part in {".", ".."} for part in unquote(url.partition("?")[0]).split("/"))
    return leads_to_console(url) and not climbs and not any(char in "\"'<>`{}|^" for char in url)


def formulas(table: str) -> list[str]:
    """Return a description of everything that is wrong in a CSV table.

    The list contains cells that a spreadsheet could run as formulas, cells of numeric columns that are not numbers, and
    rows with too few or too many cells.
    """
    rows = list(csv.reader(io.StringIO(table, newline=""), strict=True))
    found = [f"{len(row)} cells: {row!r}" for row in rows if len(row) != len(rows[0])]
    for row in rows[1:]:
        for name, cell in zip(rows[0], row, strict=False):
            wrong = not _NUMBER.fullmatch(cell) if name in _NUMBERS else runs_as_formula(cell)
            found += [f"{name}: {cell!r}"] * wrong
    return found


def runs_as_formula(cell: str) -> bool:
    """Return whether a spreadsheet may treat the cell as a formula.

    A formula begins with `=`, `+`, `-` or `@`, or with their full-width forms, which Chinese text uses. Blanks and
    invisible characters before that character are ignored. A cell that begins with a tab or a line break counts, too.
    """
    seen = "".join(char for char in cell if unicodedata.category(char) not in {"Cf", "Cc", "Zs", "Zl", "Zp"})
    return cell[:1] in {"\t", "\r", "\n"} or seen.translate(_WIDE)[:1] in {"=", "+", "-", "@"}
