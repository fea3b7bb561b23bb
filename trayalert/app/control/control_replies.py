"""What the running instance answers to a command of another process. On the receiver's loop."""

import os
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from trayalert.app.control.control_protocol import Answer, Wish
from trayalert.app.platform.clock import now
from trayalert.listener.self_check import parser_kind
from trayalert.services.maintenance.reparse import read_some_again
from trayalert.services.presentation.status import Running
from trayalert.storage.faults import LogFault

if TYPE_CHECKING:  # it imports this
    from trayalert.app.receiver import Receiver


async def answer(wish: Wish, receiver: "Receiver") -> Answer:
    """Do what is wished, and return what came of it. Raise Fault."""
    match wish:
        case {"do": "status"}:
            return {"running": asdict(running(receiver))}
        case {"do": "rotate" | "add secret" | "remove secret" | "keep secrets"}:
            receiver.plan.secrets.do(wish, now=now())
        case {"do": "verify"}:
            receiver.verify()
        case {"do": "probe"}:
            return {"reach": asdict(await receiver.way_in.probe())}
        case {"do": "resolve" | "reparse" | "backup"}:
            return {"done": await _change(wish, receiver)}
        case {"do": "show"}:
            if receiver.show:
                receiver.show(str(wish.get("what", "window")))
            return {"done": receiver.show is not None}
        case _:
            return {"error": f"the running trayalert does not know {wish.get('do')!r}; it may be older: restart it"}
    return {"done": True}


async def _change(wish: Wish, receiver: "Receiver") -> Any:
    """Change the log as another process wishes; return what came of it."""
    match wish:
        case {"do": "resolve", "id": int(number)}:
            return await receiver.wanted_inbox().resolve(number, now=now())
        case {"do": "reparse", "anew": bool(anew)}:
            return asdict(await read_some_again(receiver.wanted_inbox(), now=now(), anew=anew))
        case _:
            if receiver.keeping is None:
                raise LogFault(" ".join(receiver.log_state.problems) or "the log is being opened; ask again")
            return str((await receiver.keeping.back_up()).path)


def running(receiver: "Receiver") -> Running:
    """Return what only the running instance knows."""
    doorway, way_in = receiver.doorway, receiver.way_in
    return Running(
        front=receiver.plan.front,
        pid=os.getpid(),
        http_parser=parser_kind(),
        door=receiver.door,
        door_counts=asdict(doorway.counts),
        probing=doorway.probing_words(),
        turned_away=doorway.turned_away_words(),
        mistyped=doorway.mistyped_words(),
        log_state=receiver.log_state,
        reach=receiver.reach,
        tunnel=way_in.tunnel,
        url_changed=way_in.url_changed,
        metrics_port=receiver.metrics_port,
    )
