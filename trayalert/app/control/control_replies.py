"""What the running instance replies to a command of another process. On the receiver's loop."""

import os
from dataclasses import asdict
from typing import Any

from trayalert.app.control.control_protocol import Command, Reply
from trayalert.app.receiver import Receiver
from trayalert.clock import now
from trayalert.listener.self_check import parser_kind
from trayalert.services.maintenance.reparse import reparse_some
from trayalert.services.presentation.status import InstanceStatus, instance_record
from trayalert.storage.faults import LogFault


async def reply_to(command: Command, receiver: Receiver) -> Reply:
    """Carry out the command and return the reply. Raise Fault."""
    match command:
        case {"do": "status"}:
            return {"running": instance_record(instance_status(receiver))}
        case {"do": "rotate" | "add secret" | "remove secret" | "keep secrets"}:
            receiver.plan.secrets.apply(command, now=now())
        case {"do": "verify"}:
            receiver.verify()
        case {"do": "probe"}:
            return {"reach": asdict(await receiver.connectivity.probe())}
        case {"do": "resolve" | "reparse" | "backup"}:
            return {"done": await _change_log(command, receiver)}
        case {"do": "show"}:
            if receiver.show:
                receiver.show(str(command.get("what", "window")))
            return {"done": receiver.show is not None}
        case _:
            return {"error": f"the running trayalert does not know {command.get('do')!r}; it may be older: restart it"}
    return {"done": True}


async def _change_log(command: Command, receiver: Receiver) -> Any:
    """Change the log and return the outcome."""
    match command:
        case {"do": "resolve", "id": int(number)}:
            return await receiver.require_inbox().resolve(number, now=now())
        case {"do": "reparse", "anew": bool(anew)}:
            return asdict(await reparse_some(receiver.require_inbox(), now=now(), restart=anew))
        case _:
            if receiver.maintenance is None:
                raise LogFault(" ".join(receiver.log_state.problems) or "the log is being opened; ask again")
            return str((await receiver.maintenance.back_up()).path)


def instance_status(receiver: Receiver) -> InstanceStatus:
    """Return what only the running instance knows."""
    listener, connectivity = receiver.listener, receiver.connectivity
    return InstanceStatus(
        mode=receiver.plan.mode,
        pid=os.getpid(),
        http_parser=parser_kind(),
        listener=receiver.listener_state,
        listener_counts=asdict(listener.counts),
        secret_guesses=listener.secret_guesses_text(),
        turned_away=listener.turned_away_text(),
        mistyped=listener.mistyped_text(),
        log_state=receiver.log_state,
        reach=receiver.reach,
        tunnel=connectivity.tunnel,
        url_changed=connectivity.url_changed,
        metrics_port=receiver.metrics_port,
    )
