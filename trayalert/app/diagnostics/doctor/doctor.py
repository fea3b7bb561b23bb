"""Runs the doctor (`trayalert doctor`): checks everything that trayalert needs, and says what to do about problems.

The doctor changes nothing. A check that hangs or fails does not affect the other checks.
"""

import logging
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from typing import Any

from trayalert.app.control.control_protocol import ControlFault, GetStatus, ask
from trayalert.app.diagnostics.doctor import (
    certificate_checks,
    desktop_checks,
    listener_checks,
    network_checks,
    storage_checks,
)
from trayalert.app.diagnostics.doctor.check_context import CheckContext, CheckResult, RemoteLookups, fail, fail_by_fault
from trayalert.app.platform.places import Places, read_settings
from trayalert.domain.check_result import Check, Verdict
from trayalert.domain.fault import Fault
from trayalert.domain.phrase import N_, Phrase
from trayalert.domain.settings.settings import Settings
from trayalert.domain.text import printable
from trayalert.services.presentation.status import read_instance_status

STATUS_LIMIT = 3.0
LIMIT = 5.0
PROBE_LIMIT = 7.0
"""Time limit of the check `public probe`, in seconds.

LIMIT is the time limit of each other check. STATUS_LIMIT is the time limit for reading the status of the running
instance.
"""

CheckFunction = Callable[[CheckContext], CheckResult]
CheckSpec = tuple[str, CheckFunction, float]

CHECKS: tuple[CheckSpec, ...] = (
    (N_("screen"), desktop_checks.screen, LIMIT),
    (N_("tray"), desktop_checks.tray, LIMIT),
    (N_("notifications"), desktop_checks.notifications, LIMIT),
    (N_("session bus"), desktop_checks.session_bus, LIMIT),
    (N_("keyring"), desktop_checks.keyring, LIMIT),
    (N_("listener"), listener_checks.listener, LIMIT),
    (N_("limits"), listener_checks.limits, LIMIT),
    (N_("port"), listener_checks.port, LIMIT),
    (N_("tls"), certificate_checks.tls, LIMIT),
    (N_("log"), storage_checks.log, LIMIT),
    (N_("disk"), storage_checks.disk, LIMIT),
    (N_("tunnel"), network_checks.tunnel, LIMIT),
    (N_("public probe"), listener_checks.public_probe, PROBE_LIMIT),
    (N_("dns"), network_checks.dns, LIMIT),
    (N_("clock"), network_checks.clock, LIMIT),
    (N_("versions"), storage_checks.program_versions, LIMIT),
)

_logger = logging.getLogger(__name__)


def examine(
    places: Places, lookups: RemoteLookups | None = None, *, checks: Sequence[CheckSpec] = CHECKS
) -> tuple[Check, ...]:
    """Run all checks at the same time, and return their results in the order of `checks`.

    No exception is raised. The function returns within 10 s, even if checks hang.
    """
    context = _gather_context(places, lookups or RemoteLookups())
    begun = [(name, _RunningCheck(name, check, context), limit) for name, check, limit in checks]
    end = time.monotonic()
    return tuple(
        Check(name=Phrase(name), verdict=found.verdict, said=_clean(found.message), do=found.advice)
        for name, running, limit in begun
        for found in [running.result(end + limit, limit)]
    )


def _clean(message: str) -> str:
    """Return the message as one printable line. A phrase that needs no change is returned as a phrase."""
    line = printable(message, limit=1000)
    return message if message == line else line


def doctor_record(checks: Sequence[Check]) -> dict[str, Any]:
    """Return the JSON object that `trayalert doctor --json` prints."""
    return {"ok": all(check.verdict is not Verdict.FAIL for check in checks), "checks": [asdict(one) for one in checks]}


class _RunningCheck:
    """A check that runs on its own thread. If the check hangs, its thread is abandoned."""

    def __init__(self, name: str, check: CheckFunction, context: CheckContext) -> None:
        self._name = name
        self._check = check
        self._context = context
        self._result: CheckResult | None = None
        self._thread = threading.Thread(target=self._run, name=f"doctor: {name}", daemon=True)
        self._thread.start()

    def result(self, end: float, limit: float) -> CheckResult:
        """Wait for the result until `time.monotonic()` reaches `end`, and return the result.

        If there is no result by then, return a failure. The message of the failure mentions `limit`, in seconds.
        """
        self._thread.join(max(0.0, end - time.monotonic()))
        return self._result or fail(
            Phrase("there was no answer within {seconds:g} s.", seconds=limit),
            Phrase("Ask again; if it stays so, restart what does not answer."),
        )

    def _run(self) -> None:
        try:
            self._result = self._check(self._context)
        except Fault as fault:
            self._result = fail_by_fault(fault)
        except Exception as error:
            _logger.exception("the doctor could not look at: %s", self._name)
            self._result = fail(
                Phrase("it could not be looked at: a fault of trayalert's own ({fault}).", fault=type(error).__name__),
                Phrase("Send its makers what `trayalert diagnostics` gathers."),
            )


def _gather_context(places: Places, lookups: RemoteLookups) -> CheckContext:
    """Read the settings and the status of the running instance, and return them as the context of the checks.

    The function returns within STATUS_LIMIT seconds, even if the disk or the instance does not answer. What has not
    been read in this time is missing from the context.
    """
    context = CheckContext(
        places=places, lookups=lookups, settings=Settings(), no_reply_reason=Phrase("the disk did not answer.")
    )

    def gather() -> None:
        nonlocal context
        settings, problems = read_settings(places)
        context = replace(context, settings=settings, problems=problems, no_reply_reason=None)
        try:
            answer = ask(places.socket, GetStatus(), deadline=STATUS_LIMIT - 0.5)
        except ControlFault as fault:
            context = replace(context, no_reply_reason=str(fault))
            return
        status = (answer or {}).get("running")
        if isinstance(status, dict):
            context = replace(context, running=read_instance_status(status), raw_status=status)

    thread = threading.Thread(target=gather, name="doctor", daemon=True)
    thread.start()
    thread.join(STATUS_LIMIT)
    return context
