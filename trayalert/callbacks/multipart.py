"""The fields of `multipart/form-data` (RFC 7578) and the parts of other multipart bodies, told by their shape."""

import re

_BOUNDARY = re.compile(r"--\S{1,200}(?=[ \t]*\r?\nContent-)", re.IGNORECASE)
_NAME = re.compile(r"""[;\s]name=(?:"([^"\r\n]*)"|([^\s;"]+))""", re.IGNORECASE)
_CONTENT = re.compile(r"^Content-", re.IGNORECASE | re.MULTILINE)
_FILE = re.compile(r"[;\s]filename\*?=", re.IGNORECASE)


def read_parts(text: str) -> dict[str, str] | None:
    """Return the fields, without files unless all that was sent is JSON in a file; None for a text of another shape.

    A part with no name is called `json` or `text`.
    """
    boundary = _BOUNDARY.match(text)
    if boundary is None:
        return None
    fields: dict[str, str] = {}
    files: dict[str, str] = {}
    for part in text.replace("\r\n", "\n").removeprefix(boundary[0]).split(f"\n{boundary[0]}"):
        head, _, value = part.partition("\n\n")
        head = head[:1000]
        json = value.lstrip()[:1] in {"{", "["}
        name = _NAME.search(head)
        field_name = name[1] or name[2] or "" if name else "json" if json else "text"
        if not _FILE.search(head):
            if name or _CONTENT.search(head):
                fields.setdefault(field_name, value)
        elif json:
            files.setdefault(field_name, value)
    return fields or files
