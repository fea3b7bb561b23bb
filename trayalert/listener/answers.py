"""What the door says: few words, the same for all, and nothing of what program says them."""

import functools
import time
from email.utils import formatdate

_REASONS = {
    200: "OK",
    400: "Bad Request",
    404: "Not Found",
    408: "Request Timeout",
    413: "Content Too Large",
    429: "Too Many Requests",
    500: "Internal Server Error",
    503: "Service Unavailable",
}
GO_ON = b"HTTP/1.1 100 Continue\r\n\r\n"


def answer_of(status: int, text: str = "") -> bytes:
    """Return a whole answer. Each closes the connection: what else was sent on it is never done."""
    return _dated(status, text, int(time.time()))


@functools.lru_cache(maxsize=32)
def _dated(status: int, text: str, second: int) -> bytes:
    lines = (
        f"HTTP/1.1 {status} {_REASONS[status]}",
        f"Date: {formatdate(second, usegmt=True)}",
        "Cache-Control: no-store",
        "Content-Type: text/plain",
        f"Content-Length: {len(text)}",
        "Connection: close",
        "",
        text,
    )
    return "\r\n".join(lines).encode("ascii")
