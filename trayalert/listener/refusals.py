"""The refusals of requests with a right secret. Each refusal has an answer for the sender and a reason for the user.

Senders do not repeat a request that was answered with a 4xx status. Each refusal is therefore counted and reported to
the user of this computer.
"""

import enum
from dataclasses import dataclass

from trayalert.domain.phrase import N_, Phrase
from trayalert.listener.limits import ListenerLimits


class RefusalCause(enum.StrEnum):
    """The cause of a refusal. For each cause, the user is notified at most once an hour."""

    ORIGIN = "origin"
    METHOD = "method"
    HOST = "host"
    SENDER = "sender"
    HTTP = "http"
    BROKEN = "broken"
    TOO_LARGE = "too large"
    TOO_SLOW = "too slow"
    TOO_MUCH = "too much"
    NOT_STORED = "not stored"
    MISTYPED = "mistyped"


CAUSES_OF_LOSS = frozenset({
    RefusalCause.HTTP, RefusalCause.BROKEN, RefusalCause.TOO_LARGE, RefusalCause.TOO_SLOW, RefusalCause.TOO_MUCH,
    RefusalCause.MISTYPED,
})  # fmt: skip
"""The causes by which an alert may have been lost.

ORIGIN, METHOD, HOST and SENDER are left out, because a rule refuses these requests on purpose. NOT_STORED is left out,
because the state of the log already reports this problem.
"""


@dataclass(frozen=True, slots=True)
class Refusal:
    """A refusal: the answer for the sender, and the reason for the user."""

    cause: RefusalCause
    status: int
    """The status of the answer."""
    reason: str
    """A clause for the user that says why the request was refused, such as "its method is PUT"."""
    text: str = ""
    """The body of the answer."""
    retry_after: int | None = None
    """The seconds in the answer's `Retry-After` header, or None if the answer has no such header."""


class RefusedError(Exception):
    """Raised if a request is refused while its body is being read or stored."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.reason)
        self.refusal = refusal


UNSUPPORTED_VERSION = Refusal(
    RefusalCause.HTTP,
    400,
    Phrase("its version of HTTP is neither 1.0 nor 1.1, or it is 1.0 and the body comes in chunks"),
)
BROKEN_BODY = Refusal(
    RefusalCause.BROKEN,
    400,
    Phrase("its body broke off, or is not what its headers announce"),
    "the body is broken\n",
)
NOT_STORED = Refusal(
    RefusalCause.NOT_STORED,
    503,
    Phrase("it could not be stored, and its sender was asked to send it again"),
    "not stored; send it again\n",
)


def invalid_http(limits: ListenerLimits) -> Refusal:
    """Return the refusal for a request that is not valid HTTP, or whose head exceeds a limit."""
    return Refusal(
        RefusalCause.HTTP,
        400,
        Phrase(
            "it is not valid HTTP, or has a URL of more than {line:,} bytes, a header of more than {header:,} bytes, or"
            " more than {headers} headers",
            line=limits.longest_line,
            header=limits.longest_header,
            headers=limits.most_headers,
        ),
    )


def too_large(largest: int) -> Refusal:
    """Return the refusal for a body that is larger than `largest` bytes."""
    size = f"{largest >> 20} MiB" if largest >> 20 else f"{largest >> 10} KiB"
    text = N_("its body is larger than {size}. Let its sender send fewer alerts at once (Alertmanager: max_alerts)")
    return Refusal(RefusalCause.TOO_LARGE, 413, Phrase(text, size=size), f"a callback has at most {largest} bytes\n")


def too_slow(deadline: float) -> Refusal:
    """Return the refusal for a body that did not arrive within `deadline` seconds."""
    reason = Phrase("its body did not arrive within {seconds:g} s", seconds=deadline)
    return Refusal(RefusalCause.TOO_SLOW, 408, reason, f"the body did not come within {deadline:g} s\n")


def too_much(reason: str, *, retry_after: int) -> Refusal:
    """Return the refusal for a large body that can be accepted after `retry_after` seconds."""
    return Refusal(RefusalCause.TOO_MUCH, 503, reason, f"send it again in {retry_after} s\n", retry_after)
