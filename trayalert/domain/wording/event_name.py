"""Display names of events. An event without a display name is shown under the name that was sent.

Event rules send machine names such as `Instance:SystemMaintenance.Reboot:Scheduled`. The meanings of these names are
taken from Alibaba Cloud's pages "ECS system events" and "Events of Cloud Monitor's agent". The phase at the end of a
name, such as `Scheduled`, is not displayed, because the alert's message contains it.
"""

from collections.abc import Mapping

from trayalert.domain.phrase import N_
from trayalert.domain.wording.language import Language

_PHASES = frozenset({
    "scheduled", "waiting", "inquiring", "executing", "executed", "avoided", "canceled", "cancelled", "failed",
})  # fmt: skip

_NAMES: Mapping[str, str] = {
    "Instance:SystemMaintenance.Reboot": N_("Reboot for system maintenance"),
    "Instance:SystemMaintenance.Stop": N_("Stop for system maintenance"),
    "Instance:SystemMaintenance.Redeploy": N_("Redeployment for system maintenance"),
    "Instance:SystemMaintenance.RebootAndIsolateErrorDisk": N_("Reboot to isolate a damaged disk"),
    "Instance:SystemMaintenance.RebootAndReInitErrorDisk": N_("Reboot to replace a damaged disk"),
    "Instance:SystemMaintenance.IsolateErrorDisk": N_("Damaged disk is isolated"),
    "Instance:SystemMaintenance.ReInitErrorDisk": N_("Damaged disk is replaced"),
    "Instance:SystemFailure.Reboot": N_("Reboot after a system failure"),
    "Instance:SystemFailure.Stop": N_("Stop after a system failure"),
    "Instance:SystemFailure.Redeploy": N_("Redeployment after a system failure"),
    "Instance:SystemFailure.Delete": N_("Release after a failed creation"),
    "Instance:InstanceFailure.Reboot": N_("Reboot after an instance failure"),
    "Instance:InstanceExpiration.Stop": N_("Stop as the subscription ends"),
    "Instance:InstanceExpiration.Delete": N_("Release as the subscription ended"),
    "Instance:AccountUnbalanced.Stop": N_("Stop as payment is overdue"),
    "Instance:AccountUnbalanced.Delete": N_("Release as payment is overdue"),
    "Instance:StateChange": N_("Instance state changed"),
    "Instance:PreemptibleInstanceInterruption": N_("Spot instance is about to be released"),
    "Disk:Stalled": N_("Disk hardly responds"),
    "Disk:ErrorDetected": N_("Disk is damaged"),
    "Agent_Status_Stopped": N_("Monitoring agent stopped"),
    "Agent_Status_Running": N_("Monitoring agent runs again"),
}


def event_text(name: str | None, language: Language) -> str | None:
    """Return the display name of an event in the given language, or None if the event is unknown."""
    if name is None:
        return None
    stem, _, phase = name.rpartition(":")
    known = _NAMES.get(name) or (_NAMES.get(stem) if phase.lower() in _PHASES else None)
    return language.say(known) if known else None
