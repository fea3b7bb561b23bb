"""Senders that remember which of their alerts got a 200. Each alert is about a different resource."""

import http.client
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlencode, urlsplit

from trayalert.clock import now

FORM = "application/x-www-form-urlencoded; charset=UTF-8"


def alert(resource: str, **changes: str) -> bytes:
    """Return the form body of a threshold callback about the given resource, with the current time."""
    fields = {
        "userId": "1900000000000010",
        "ruleId": "rule-soak",
        "alertName": "CPU",
        "alertState": "ALERT",
        "triggerLevel": "WARN",
        "metricName": "CPUUtilization",
        "namespace": "acs_ecs_dashboard",
        "regionId": "cn-hangzhou",
        "dimensions": f"{{instanceId={resource}, userId=1900000000000010}}",
        "curValue": "97.5",
        "timestamp": str(now()),
        "transId": f"trans-{resource}",
    }
    return urlencode(fields | changes).encode()


@dataclass(slots=True)
class Load:
    """Senders that post one alert after the other.

    `acked` contains the resources whose alerts got a 200, and `refused` contains all other statuses.
    """

    url: str
    name: str
    acked: list[str] = field(default_factory=list)
    refused: list[int] = field(default_factory=list)
    _ended: threading.Event = field(default_factory=threading.Event)

    @contextmanager
    def running(self, lanes: int) -> Iterator["Load"]:
        """Let `lanes` senders post at the same time, until the block ends or the program no longer answers."""
        threads = [threading.Thread(target=self._run, args=(lane,)) for lane in range(lanes)]
        for thread in threads:
            thread.start()
        try:
            yield self
        finally:
            self._ended.set()
            for thread in threads:
                thread.join()

    def _run(self, lane: int) -> None:
        parts = urlsplit(self.url)
        number = 0
        connection = http.client.HTTPConnection(parts.netloc, timeout=10)
        try:
            while not self._ended.is_set():
                resource = f"i-{self.name}-{lane}-{number}"
                connection.request("POST", parts.path, alert(resource), {"Content-Type": FORM})
                answer = connection.getresponse()
                answer.read()
                number += 1
                if answer.status == 200:
                    self.acked.append(resource)
                else:
                    self.refused.append(answer.status)
        except (OSError, http.client.HTTPException):
            pass  # the program was killed; an alert that was not answered may be lost
        finally:
            connection.close()


def stored_resources(log: Path) -> set[str]:
    """Return the resources whose alerts are in the log. The query does not use trayalert's code."""
    with closing(sqlite3.connect(f"{log.as_uri()}?mode=ro", uri=True)) as connection:
        return {name for (name,) in connection.execute("SELECT resource_id FROM alert")}


def sound(log: Path) -> bool:
    """Return whether SQLite's integrity check finds no damage in the log."""
    with closing(sqlite3.connect(f"{log.as_uri()}?mode=ro", uri=True)) as connection:
        return bool(connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)])
