"""What the tests of `trayalert serve` share: a callback, and the sentence of a command that fails."""

import time
from pathlib import Path
from urllib.parse import urlencode

from tests.program import CompletedCommand, run


def alert(resource: str, at: int | None = None) -> bytes:
    fields = {
        "alertName": "CPU",
        "alertState": "ALERT",
        "ruleId": "r",
        "dimensions": f"{{instanceId={resource}}}",
        "timestamp": at or time.time_ns() // 1_000_000,
    }
    return urlencode(fields).encode()


def refused(data_dir: Path, *arguments: str, **changes: str | None) -> str:
    """Check that `serve` does not start, and return the sentence that it prints."""
    done = run("serve", "--port", "0", *arguments, data_dir=data_dir, **changes)  # type: ignore[arg-type]
    return sentence(done)


def sentence(done: CompletedCommand) -> str:
    assert (done.status, done.out) == (1, "")
    (line,) = done.err.splitlines()
    assert line.startswith("trayalert: ")
    assert line.endswith((".", "?"))
    return line.removeprefix("trayalert: ")
