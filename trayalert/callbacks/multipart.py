"""The fields of `multipart/form-data`, told by its shape as everything is: RFC 7578."""

import re

_BOUNDARY = re.compile(r"--\S{1,200}(?=[ \t]*\r?\nContent-)", re.IGNORECASE)
_NAME = re.compile(r"""[;\s]name=(?:"([^"\r\n]*)"|([^\s;"]+))""", re.IGNORECASE)
_FILE = re.compile(r"[;\s]filename\*?=", re.IGNORECASE)


def read_parts(text: str) -> dict[str, str] | None:
    """Return the fields, without files; None for a text that is of another shape."""
    boundary = _BOUNDARY.match(text)
    if boundary is None:
        return None
    fields: dict[str, str] = {}
    for part in text.replace("\r\n", "\n").removeprefix(boundary[0]).split(f"\n{boundary[0]}"):
        head, _, value = part.partition("\n\n")
        name = _NAME.search(head[:1000])
        if name and not _FILE.search(head[:1000]):
            fields.setdefault(name[1] or name[2] or "", value)
    return fields
