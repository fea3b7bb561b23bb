"""A callback's body as named texts: form-encoded, unencoded as in printed samples, multipart, or JSON.

A body of another form, such as XML or prose, is one text. Nothing here raises.
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
"""Characters that form-encoding never leaves in a value: a value with one of them is unencoded."""

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
"""Fields of the threshold callback: in an unencoded body each of them begins a new value."""

_HAS_THRESHOLD_FIELD = re.compile(rf"(?:^|&)(?:{'|'.join(sorted(_THRESHOLD_FIELDS))})=")
_NOT_A_NAME = re.compile(r"\S\s+\S|://")
"""Found in prose and URLs, but never in the name of a field."""

_BOUNDARY = re.compile(r"--\S{1,200}(?=[ \t]*\r?\nContent-)", re.IGNORECASE)
_PART_NAME = re.compile(r"""[;\s]name=(?:"([^"\r\n]*)"|([^\s;"]+))""", re.IGNORECASE)
_PART_HEADER = re.compile(r"^Content-", re.IGNORECASE | re.MULTILINE)
_PART_FILE = re.compile(r"[;\s]filename\*?=", re.IGNORECASE)

_NUMBER = re.compile(r"([+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]{1,3})?)")
_QUANTITY = re.compile(_NUMBER.pattern + r"\s*([^\s0-9.,:;=<>+-][^\s0-9]{0,15})")

_CHARSETS = {
    # by the first two bytes: byte order marks, and JSON in UTF-16 without one
    codecs.BOM_UTF16_LE: "utf-16-le", codecs.BOM_UTF16_BE: "utf-16-be",
    b"{\0": "utf-16-le", b"[\0": "utf-16-le", b"\0{": "utf-16-be", b"\0[": "utf-16-be",
}  # fmt: skip

_ENVELOPES = frozenset({"data", "payload", "json", "body", "message", "msg"})
"""Names under which JSON is sent in a form or a query: `data` by the event centre, the others by relays."""
_NAMED_JSON = _THRESHOLD_FIELDS | {"alert", "alerts"}
"""JSON under one of these names is a part of an alert. A single field with any other name is an envelope."""
_NO_ENVELOPE = {"subject", "status"}
_MOST_ENVELOPES = 3
_MOST_COMMAS = 8
_MOST_PARTS = 65_536
"""The most values in a body of more than 64 KiB: each takes up to 200 bytes in memory."""
_compact = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
MOST_ALERTS = 500
"""The most alerts that are read of one body; 1 MiB from Alertmanager holds some 1,300."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Body:
    """What the parsers read. `document` is the JSON object, or None if the body is not one.

    A JSON list has `parts`, each with a callback of its own; `unread` counts those beyond MOST_ALERTS.
    """

    callback: Callback
    fields: Mapping[str, str]
    document: Mapping[str, Any] | None
    parts: tuple["Body", ...] = ()
    unread: int = 0

    @property
    def names(self) -> Mapping[str, Any]:
        """The parts of the body by name, in JSON or a form."""
        return self.fields if self.document is None else self.document


def read_body(callback: Callback) -> Body:
    """Read the body, or the query if there is no body. JSON in a form is read as JSON."""
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
    """Return the JSON in a body that is nothing but its envelope; None for any other body.

    The JSON is all that was sent, or it has at least as many names as the body around it. `data` of Cloud Monitor 2.0
    is not enclosed so, though a template may leave little else.
    """
    if names.keys() >= _NO_ENVELOPE:
        return None
    if len(names) == 1:
        ((name, value),) = names.items()
        if name[:1] in {"{", "["}:  # JSON, sent as the name of a field
            return _document(name)
        if isinstance(value, str) and name not in _NAMED_JSON:
            return _document(value)
    for name in names.keys() & _ENVELOPES:
        found = _document(names[name])
        if found is not None and len(found) >= len(names):
            return found
    return None


def _document(value: object, *, repair: bool = False) -> Any:
    """Return an object or a list of objects, each of which may be a text of JSON; None for anything else."""
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
    """Read JSON that may have line breaks in its texts; None for other text. `repair` drops trailing commas."""
    if len(text) > _MOST_PARTS and text.count(",") + text.count("[") + text.count("{") > _MOST_PARTS:
        return None
    for _ in range(_MOST_COMMAS if repair else 1):
        try:
            # numbers stay texts, as they may have 5,000 digits or be NaN
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
    """Return a JSON value as one text: a text as it is, any other value as JSON."""
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
    """Replace lone surrogates, which JSON can hold and no database takes."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode("utf-8")


def _fields(text: str) -> dict[str, str]:
    """Read the fields of a form; any other body is one text."""
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
    """Read `multipart/form-data` (RFC 7578) and the like, told by their shape; None for a text of another shape.

    Files are left out unless all that was sent is JSON in a file. A part with no name is called `json` or `text`.
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
    """Whether the text is a form, rather than prose or broken JSON with some `=` and `&`."""
    if _HAS_THRESHOLD_FIELD.search(text):
        return True
    if "=" not in text:
        return _PERCENT.match(text) is not None  # JSON, sent as the name of a field
    if text.startswith(("{", "[", '"')):
        return False
    pieces = [piece.partition("=") for piece in text.split("&")]
    odd = [_NOT_A_NAME.search(name) or (not sign and " " in name) for name, sign, _ in pieces]
    return not odd[0] and 2 * sum(map(bool, odd)) < len(pieces)


def _well_formed_fields(text: str) -> dict[str, str] | None:
    """Read a form that is encoded correctly, as nearly all are; None for any other.

    For speed the quoted-printable decoder, which is in C, decodes all `%XX` as `=XX` at once.
    """
    if not _WELL_FORMED.fullmatch(text) or _BAD_PERCENT.search(text):
        return None
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
    if encoded or (_PERCENT.search(text) and not _NEVER_ENCODED.search(text)):  # or one encoded value among bare ones
        raw = text.replace("+", " ").encode()
        return _BYTES.sub(lambda match: bytes.fromhex(match[0].replace(b"%", b"").decode()), raw).decode(
            "utf-8", "replace"
        )
    return text


def _join_split_values(pieces: list[str]) -> list[str]:
    """Join the pieces of values that contain an unencoded `&`."""
    joined: list[str] = []
    start = 0
    while start < len(pieces):
        end = _end_of_value(pieces, start)
        joined.append("&".join(pieces[start:end]))
        start = end
    return joined


def _end_of_value(pieces: list[str], start: int) -> int:
    """Return where the value that begins at `start` ends: at the next piece, except with braces or names like `R&D`."""
    name, _, value = pieces[start].partition("=")
    end = start + 1
    if name in _FREE_TEXT:
        while end < len(pieces) and "=" not in pieces[end]:
            end += 1
    elif name == "expression":  # two metrics of a composite rule are joined by `&&`
        while end + 1 < len(pieces) and not pieces[end] and pieces[end + 1].partition("=")[0] not in _THRESHOLD_FIELDS:
            end += 2
    elif value.startswith(("{", "[")):
        end = _end_of_braces(pieces, start)
    return end


def _end_of_braces(pieces: list[str], start: int) -> int:
    """Return where a value in braces ends: after the last piece that closes more braces than it opens.

    Braces need not match, as the values inside may hold some. So the search ends where another value in braces begins,
    and at a known field once all are closed. Each piece is looked at once, as a body may be nothing but braces.
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
    """Read a number in ASCII digits; None for any other text, and for one that is not finite."""
    match = _NUMBER.fullmatch(text) if text else None
    number = float(match[0]) if match else math.nan
    return number if math.isfinite(number) else None


def read_quantity(text: str | None) -> tuple[float | None, str | None]:
    """Read a number and the unit behind it, such as `97.4%`; each is None if it is missing."""
    match = _QUANTITY.fullmatch(text) if text else None
    return (read_number(match[1]), match[2]) if match else (read_number(text), None)
