"""Carries out the commands that other processes send to the running instance. Runs on the receiver's loop."""

import os
from dataclasses import asdict

from trayalert.app.control.control_protocol import (
    AddSecret,
    BackUpLog,
    GetStatus,
    KeepSecrets,
    ProbeReachability,
    RemoveSecret,
    ReparseSome,
    Reply,
    ResolveIncident,
    RotateSecret,
    ShowWindow,
    VerifyLog,
)
from trayalert.app.control.control_server import Replies
from trayalert.app.receiver import Receiver
from trayalert.clock import now
from trayalert.domain.phrase import Phrase, PhraseList
from trayalert.listener.self_check import parser_kind
from trayalert.services.maintenance.reparse import reparse_some
from trayalert.services.presentation.status import InstanceStatus, instance_record
from trayalert.storage.faults import LogFault


async def _get_status(_: GetStatus, receiver: Receiver) -> Reply:
    return {"running": instance_record(instance_status(receiver))}


async def _rotate_secret(command: RotateSecret, receiver: Receiver) -> Reply:
    receiver.plan.secrets.rotate(grace=command.grace, now=now(), name=command.name)
    return {"done": True}


async def _add_secret(command: AddSecret, receiver: Receiver) -> Reply:
    receiver.plan.secrets.add(command.name, now=now())
    return {"done": True}


async def _remove_secret(command: RemoveSecret, receiver: Receiver) -> Reply:
    receiver.plan.secrets.remove(command.name, now=now())
    return {"done": True}


async def _keep_secrets(_: KeepSecrets, receiver: Receiver) -> Reply:
    receiver.plan.secrets.write_again()
    return {"done": True}


async def _verify_log(_: VerifyLog, receiver: Receiver) -> Reply:
    receiver.verify()
    return {"done": True}


async def _probe_reachability(_: ProbeReachability, receiver: Receiver) -> Reply:
    return {"reach": asdict(await receiver.connectivity.probe())}


async def _resolve_incident(command: ResolveIncident, receiver: Receiver) -> Reply:
    return {"done": await receiver.require_inbox().resolve(command.id, now=now())}


async def _reparse_some(command: ReparseSome, receiver: Receiver) -> Reply:
    return {"done": asdict(await reparse_some(receiver.require_inbox(), now=now(), restart=command.anew))}


async def _back_up_log(_: BackUpLog, receiver: Receiver) -> Reply:
    if receiver.maintenance is None:
        raise LogFault(PhraseList(receiver.log_state.problems) or Phrase("the log is being opened; ask again"))
    return {"done": str((await receiver.maintenance.back_up()).path)}


async def _show_window(command: ShowWindow, receiver: Receiver) -> Reply:
    if receiver.show:
        receiver.show(command.what)
    return {"done": receiver.show is not None}


REPLIES: Replies[Receiver] = {
    GetStatus: _get_status,
    RotateSecret: _rotate_secret,
    AddSecret: _add_secret,
    RemoveSecret: _remove_secret,
    KeepSecrets: _keep_secrets,
    VerifyLog: _verify_log,
    ProbeReachability: _probe_reachability,
    ResolveIncident: _resolve_incident,
    ReparseSome: _reparse_some,
    BackUpLog: _back_up_log,
    ShowWindow: _show_window,
}


def instance_status(receiver: Receiver) -> InstanceStatus:
    """Return the part of the status that only the running instance knows."""
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
