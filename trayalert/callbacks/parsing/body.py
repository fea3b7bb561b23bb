"""Reads the body of a callback into named strings.

A body may be form-encoded, multipart or JSON. A body may also be an unencoded form, like the samples in Cloud Monitor's
documentation. Any other body, such as XML or prose, becomes a single string. No function in this module raises.
"""

import codecs
import json
import math
import re
from binascii import a2b_qp
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from trayalert.domain.callback import Callback

_NEVER_ENCODED = re.compile(r"[\s{}<>\"|\\^`\[\]=]|[^\x00-\x7f]")
"""Matches a character that a form-encoded value never contains. A value with such a character is not encoded."""

_WELL_FORMED = re.compile(
    r"[\w.~*%+!'()$,:;@/?-]+=[\w.~*%+!'()$,:;@/?-]*(?:&[\w.~*%+!'()$,:;@/?-]+=[\w.~*%+!'()$,:;@/?-]*)*", re.ASCII
)
_BAD_PERCENT = re.compile(r"%(?![0-9A-Fa-f]{2})")
_PERCENT = re.compile(r"%[0-9A-Fa-f]{2}")
_BYTES = re.compile(rb"(?:%[0-9A-Fa-f]{2})++")
_FREE_TEXT = frozenset({"alertName", "instanceName", "productGroupName", "metricName"})
_THRESHOLD_FIELDS = _FREE_TEXT | {
    "alertState", "curValue", "dimensions", "dimensionsOriginal", "customLabels", "expression", "groupId",
    "instanceInfo", "lastTime", "metricProject", "namespace", "preTriggerLevel", "rawMetricName", "regionId",
    "regionName", "ruleId", "signature", "timestamp", "transId", "triggerLevel", "unit", "userId",
}  # fmt: skip
"""Field names of the threshold callback. In an unencoded body, these names show where a value with `&` ends."""

_HAS_THRESHOLD_FIELD = re.compile(rf"(?:^|&)(?:{'|'.join(sorted(_THRESHOLD_FIELDS))})=")
_NOT_A_NAME = re.compile(r"\S\s+\S|://")
"""Matches text that may occur in prose and in URLs, but never occurs in a field name."""

_BOUNDARY = re.compile(r"--\S{1,200}(?=[ \t]*\r?\nContent-)", re.IGNORECASE)
_PART_NAME = re.compile(r"""[;\s]name=(?:"([^"\r\n]*)"|([^\s;"]+))""", re.IGNORECASE)
_PART_HEADER = re.compile(r"^Content-", re.IGNORECASE | re.MULTILINE)
_PART_FILE = re.compile(r"[;\s]filename\*?=", re.IGNORECASE)

_NUMBER = re.compile(r"([+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]{1,3})?)")
_QUANTITY = re.compile(_NUMBER.pattern + r"\s*([^\s0-9.,:;=<>+-][^\s0-9]{0,15})")

_CHARSETS = {
    # keyed by the first two bytes of a body: a byte order mark, or the start of JSON in UTF-16 that has no such mark
    codecs.BOM_UTF16_LE: "utf-16-le", codecs.BOM_UTF16_BE: "utf-16-be",
    b"{\0": "utf-16-le", b"[\0": "utf-16-le", b"\0{": "utf-16-be", b"\0[": "utf-16-be",
}  # fmt: skip

_ENVELOPES = frozenset({"data", "payload", "json", "body", "message", "msg"})
"""Names of the form or query fields in which JSON is sent. The event centre uses `data`. Relays use the other names."""
_NAMED_JSON = _THRESHOLD_FIELDS | {"alert", "alerts"}
"""Names of fields in which JSON is only a part of an alert.

If the only field of a body has none of these names, the JSON in the field is a whole alert.
"""
_NO_ENVELOPE = {"subject", "status"}
_MOST_ENVELOPES = 3
_MOST_COMMAS = 8
_MOST_PARTS = 65_536
"""Maximum number of values that are read from one body. Each value takes up to 200 bytes of memory."""
_compact = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
MOST_ALERTS = 500
"""Maximum number of alerts that are read from one body. A 1 MiB body from Alertmanager contains about 1,300 alerts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Body:
    """The body of a callback, in the form that all parsers read."""

    callback: Callback
    fields: Mapping[str, str]
    """The parts of the body as strings, keyed by name."""
    document: Mapping[str, Any] | None
    """The JSON object in the body, or None if the body is not a JSON object."""
    parts: tuple["Body", ...] = ()
    """If the body is a JSON list, its first MOST_ALERTS items. The `callback` of each item contains only this item."""
    unread: int = 0
    """Number of items that follow the first MOST_ALERTS items of a JSON list."""

    @property
    def names(self) -> Mapping[str, Any]:
        """The parts of the body, keyed by name: the JSON object if there is one, otherwise the fields."""
        return self.fields if self.document is None else self.document


def read_body(callback: Callback) -> Body:
    """Read the body of a callback, or its query if the body is empty. JSON that was sent in a form is read as JSON."""
    text = _decode_body(callback.body if callback.body.strip() else callback.query)
    document = _document(text.rstrip("= \t\r\n\0"), repair=True)
    fields = _fields(text) if document is None else {}
    for _ in range(_MOST_ENVELOPES):
        if isinstance(document, list) or (enclosed := _unwrap_envelope(document or fields)) is None:
            break
        document = enclosed
    if isinstance(document, list):
        return _list_body(callback, document)
    return Body(callback=callback, fields=fields if document is None else _json_fields(document), document=document)


def _unwrap_envelope(names: Mapping[str, Any]) -> Any:
    """Return the JSON in a body that is only an envelope around JSON. Return None for any other body.

    A body is an envelope in two cases:

    - Its only field contains JSON, and the field's name is not in `_NAMED_JSON`.
    - A field named in `_ENVELOPES` contains JSON with at least as many entries as the body has fields.

    Cloud Monitor 2.0 sends bodies with the names `subject` and `status`. These bodies are never envelopes: their field
    `data` is only a part of the alert, even if the user's template leaves little else in the body.
    """
    if names.keys() >= _NO_ENVELOPE:
        return None
    if len(names) == 1:
        ((name, value),) = names.items()
        if name[:1] in {"{", "["}:  # JSON that was sent as the name of a field
            return _document(name)
        if isinstance(value, str) and name not in _NAMED_JSON:
            return _document(value)
    for name in names.keys() & _ENVELOPES:
        found = _document(names[name])
        if found is not None and len(found) >= len(names):
            return found
    return None


def _document(value: object, *, repair: bool = False) -> Any:
    """Return the value as a JSON object or a list of JSON objects, or None if that is impossible.

    The value, and each item of a list, may also be a string that contains JSON. An empty object or list is returned as
    None.
    """
    for _ in range(_MOST_ENVELOPES):
        if isinstance(value, str) and value.lstrip().startswith(("{", "[", '"')):
            value = read_json(value, repair=repair)
    if isinstance(value, list) and value:
        items = [_document(item) if isinstance(item, str) else item for item in value]
        return items if all(isinstance(item, dict) for item in items) else None
    return value if isinstance(value, dict) and value else None


def _decode_body(raw: bytes) -> str:
    return raw.decode(_CHARSETS.get(raw[:2], "utf-8"), "replace").strip().removeprefix("\ufeff").strip()


def _list_body(callback: Callback, items: Sequence[Mapping[str, Any]]) -> Body:
    parts = tuple(
        Body(
            callback=replace(callback, query=b"", body=json_text(item).encode()),
            fields=_json_fields(item),
            document=item,
        )
        for item in items[:MOST_ALERTS]
    )
    fields = parts[0].fields if len(parts) == 1 else {str(number): json_text(item) for number, item in enumerate(items)}
    unread = len(items) - len(parts)
    return Body(callback=callback, fields=fields, document=None, parts=parts, unread=unread)


def read_json(text: str, *, repair: bool = False) -> Any:
    """Parse JSON. Return None if the text is not JSON, or if it has more than _MOST_PARTS values.

    Strings in the JSON may contain line breaks. Numbers are returned as strings. If `repair` is true, a few trailing
    commas are accepted.
    """
    if len(text) > _MOST_PARTS and text.count(",") + text.count("[") + text.count("{") > _MOST_PARTS:
        return None
    for _ in range(_MOST_COMMAS if repair else 1):
        try:
            # numbers stay strings, because a number may have 5,000 digits or be NaN
            return json.loads(text, strict=False, parse_int=str, parse_float=str, parse_constant=str)
        except json.JSONDecodeError as error:
            before = text[: error.pos].rstrip()
            if not before.endswith(",") or text[error.pos : error.pos + 1] not in {"}", "]"}:
                return None
            text = before[:-1] + text[error.pos :]
        except (ValueError, RecursionError):
            return None
    return None


def _json_fields(document: Mapping[str, Any]) -> dict[str, str]:
    return {replace_surrogates(name): json_text(value) for name, value in document.items()}


def json_text(value: object) -> str:
    """Return a JSON value as a string. A string is returned without quotes, and any other value is written as JSON.

    Lone surrogates are replaced. A value that is nested too deeply is returned as `null`.
    """
    match value:
        case str():
            return replace_surrogates(value)
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case _:
            try:
                return replace_surrogates(_compact(value))
            except RecursionError:
                return "null"


def replace_surrogates(text: str) -> str:
    """Replace lone surrogates with `?`. JSON can contain lone surrogates, but a database cannot store them."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode("utf-8")


def _fields(text: str) -> dict[str, str]:
    """Return the fields of a form. If the body is not a form, return a single field with the name `xml` or `text`."""
    if not text:
        return {}
    if text.startswith("--") and (parts := _multipart_fields(text)) is not None:
        return parts
    if text.startswith("<"):
        return {"xml": text}
    if (len(text) > _MOST_PARTS and text.count("&") > _MOST_PARTS) or text.startswith(("http://", "https://")):
        return {"text": text}
    return _well_formed_fields(text) or (_lenient_fields(text) if _is_form(text) else {"text": text})


def _multipart_fields(text: str) -> dict[str, str] | None:
    """Read `multipart/form-data` (RFC 7578) and similar formats. Return None if the text has another format.

    Files are ignored if the body has any other field. If the body has only files, the files that contain JSON are read.
    A part without a name gets the name `json` or `text`, depending on its content.
    """
    boundary = _BOUNDARY.match(text)
    if boundary is None:
        return None
    fields: dict[str, str] = {}
    files: dict[str, str] = {}
    for part in text.replace("\r\n", "\n").removeprefix(boundary[0]).split(f"\n{boundary[0]}"):
        head, _, value = part.partition("\n\n")
        head = head[:1000]
        is_json = value.lstrip()[:1] in {"{", "["}
        name = _PART_NAME.search(head)
        field_name = name[1] or name[2] or "" if name else "json" if is_json else "text"
        if not _PART_FILE.search(head):
            if name or _PART_HEADER.search(head):
                fields.setdefault(field_name, value)
        elif is_json:
            files.setdefault(field_name, value)
    return fields or files


def _is_form(text: str) -> bool:
    """Return whether the text is a form, and not prose or broken JSON that happens to contain `=` and `&`."""
    if _HAS_THRESHOLD_FIELD.search(text):
        return True
    if "=" not in text:
        return _PERCENT.match(text) is not None  # encoded JSON that was sent as the name of a field
    if text.startswith(("{", "[", '"')):
        return False
    pieces = [piece.partition("=") for piece in text.split("&")]
    odd = [_NOT_A_NAME.search(name) or (not sign and " " in name) for name, sign, _ in pieces]
    return not odd[0] and 2 * sum(map(bool, odd)) < len(pieces)


def _well_formed_fields(text: str) -> dict[str, str] | None:
    """Read a form that is encoded correctly and has no name twice. Return None for any other text.

    Nearly all forms are encoded correctly, so the function is optimised for speed.
    """
    if not _WELL_FORMED.fullmatch(text) or _BAD_PERCENT.search(text):
        return None
    # for speed, each `%XX` becomes `=XX`, which the quoted-printable decoder, written in C, decodes in one call
    marked = text.replace("=", "\0").replace("&", "\0").replace("+", " ").replace("%", "=")
    parts = a2b_qp(marked).decode("utf-8", "replace").split("\0")
    fields = dict(zip(parts[::2], parts[1::2], strict=False))
    return fields if len(fields) == text.count("=") and len(parts) == 2 * len(fields) else None


def _lenient_fields(text: str) -> dict[str, str]:
    fields: dict[str, str] = {}
    pieces = text.split("&")
    encoded = not any(_NEVER_ENCODED.search(piece.partition("=")[2]) for piece in pieces)
    if not encoded:
        pieces = _join_split_values(pieces)
    for piece in filter(None, pieces):
        name, _, value = piece.partition("=")
        fields.setdefault(_decode(name, encoded=encoded), _decode(value, encoded=encoded))
    return fields


def _decode(text: str, *, encoded: bool) -> str:
    # in a body that is otherwise unencoded, a single value may still be encoded
    if encoded or (_PERCENT.search(text) and not _NEVER_ENCODED.search(text)):
        raw = text.replace("+", " ").encode()
        return _BYTES.sub(lambda match: bytes.fromhex(match[0].replace(b"%", b"").decode()), raw).decode(
            "utf-8", "replace"
        )
    return text


def _join_split_values(pieces: list[str]) -> list[str]:
    """Rejoin each value that was split into several pieces because it contains an unencoded `&`."""
    joined: list[str] = []
    start = 0
    while start < len(pieces):
        end = _end_of_value(pieces, start)
        joined.append("&".join(pieces[start:end]))
        start = end
    return joined


def _end_of_value(pieces: list[str], start: int) -> int:
    """Return the index of the first piece after the value that begins at `start`.

    `pieces` are the parts of a form that was split at each `&`. Most values consist of one piece. Values in braces,
    names such as `R&D`, and expressions may contain an unencoded `&`, and then consist of several pieces.
    """
    name, _, value = pieces[start].partition("=")
    end = start + 1
    if name in _FREE_TEXT:
        while end < len(pieces) and "=" not in pieces[end]:
            end += 1
    elif name == "expression":  # a composite rule joins the conditions on its metrics with `&&`
        while end + 1 < len(pieces) and not pieces[end] and pieces[end + 1].partition("=")[0] not in _THRESHOLD_FIELDS:
            end += 2
    elif value.startswith(("{", "[")):
        end = _end_of_braces(pieces, start)
    return end


def _end_of_braces(pieces: list[str], start: int) -> int:
    """Return the index of the first piece after the value in braces that begins at `start`.

    `pieces` are the parts of a form that was split at each `&`. The search ends at the next value in braces. If all
    braces are closed, the search also ends at a name in `_THRESHOLD_FIELDS`. The last piece of the value is the last
    piece before this point that ends with a brace and closes more braces than it opens.

    Counting braces would not be enough, because strings inside the value may contain unmatched braces. Each piece is
    read only once: even a body of nothing but braces must be parsed fast.
    """
    end, depth = start + 1, _brace_balance(pieces[start])
    for place in range(start + 1, len(pieces)):
        name, _, value = pieces[place].partition("=")
        balance = _brace_balance(pieces[place])
        if depth <= 0 and name in _THRESHOLD_FIELDS:
            break
        if balance < 0 and pieces[place].endswith(("}", "]")):
            end = place + 1
        elif value.startswith(("{", "[")):
            break
        depth += balance
    return end


def _brace_balance(piece: str) -> int:
    return piece.count("{") - piece.count("}")


def read_number(text: str | None) -> float | None:
    """Parse a number in ASCII digits. Return None if the text is not a number or the number is not finite."""
    match = _NUMBER.fullmatch(text) if text else None
    number = float(match[0]) if match else math.nan
    return number if math.isfinite(number) else None


def read_quantity(text: str | None) -> tuple[float | None, str | None]:
    """Parse a number that may be followed by a unit, such as `97.4%`.

    Return the number and the unit. A missing number is None, and so is a missing unit.
    """
    match = _QUANTITY.fullmatch(text) if text else None
    return (read_number(match[1]), match[2]) if match else (read_number(text), None)
