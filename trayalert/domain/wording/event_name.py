"""Display names of events. An event without a display name is shown under the name that was sent.

Event rules send machine names such as `Instance:SystemMaintenance.Reboot:Scheduled`. The meanings of these names are
taken from Alibaba Cloud's pages "ECS system events" and "Events of Cloud Monitor's agent". The phase at the end of a
name, such as `Scheduled`, is not displayed, because the alert's message contains it.
"""

from collections.abc import Mapping

from trayalert.domain.wording.language import Language

_PHASES = frozenset({
    "scheduled", "waiting", "inquiring", "executing", "executed", "avoided", "canceled", "cancelled", "failed",
})  # fmt: skip

_NAMES: Mapping[str, tuple[str, str]] = {
    "Instance:SystemMaintenance.Reboot": ("Reboot for system maintenance", "因系统维护，实例重启"),
    "Instance:SystemMaintenance.Stop": ("Stop for system maintenance", "因系统维护，实例停止"),
    "Instance:SystemMaintenance.Redeploy": ("Redeployment for system maintenance", "因系统维护，实例重新部署"),
    "Instance:SystemMaintenance.RebootAndIsolateErrorDisk": (
        "Reboot to isolate a damaged disk", "因系统维护，实例重启并隔离坏盘"),
    "Instance:SystemMaintenance.RebootAndReInitErrorDisk": (
        "Reboot to replace a damaged disk", "因系统维护，实例重启并恢复坏盘"),
    "Instance:SystemMaintenance.IsolateErrorDisk": ("Damaged disk is isolated", "因系统维护，隔离坏盘"),
    "Instance:SystemMaintenance.ReInitErrorDisk": ("Damaged disk is replaced", "因系统维护，恢复坏盘"),
    "Instance:SystemFailure.Reboot": ("Reboot after a system failure", "因系统错误，实例重启"),
    "Instance:SystemFailure.Stop": ("Stop after a system failure", "因系统错误，实例停止"),
    "Instance:SystemFailure.Redeploy": ("Redeployment after a system failure", "因系统错误，实例重新部署"),
    "Instance:SystemFailure.Delete": ("Release after a failed creation", "因创建失败，实例自动释放"),
    "Instance:InstanceFailure.Reboot": ("Reboot after an instance failure", "因实例错误，实例重启"),
    "Instance:InstanceExpiration.Stop": ("Stop as the subscription ends", "因包年包月到期，实例停止"),
    "Instance:InstanceExpiration.Delete": ("Release as the subscription ended", "因包年包月到期，实例释放"),
    "Instance:AccountUnbalanced.Stop": ("Stop as payment is overdue", "因账号欠费，实例停止"),
    "Instance:AccountUnbalanced.Delete": ("Release as payment is overdue", "因账号欠费，实例释放"),
    "Instance:StateChange": ("Instance state changed", "实例状态改变"),
    "Instance:PreemptibleInstanceInterruption": ("Spot instance is about to be released", "抢占式实例即将释放"),
    "Disk:Stalled": ("Disk hardly responds", "磁盘性能受到严重影响"),
    "Disk:ErrorDetected": ("Disk is damaged", "磁盘损坏"),
    "Agent_Status_Stopped": ("Monitoring agent stopped", "监控插件停止"),
    "Agent_Status_Running": ("Monitoring agent runs again", "监控插件恢复运行"),
}  # fmt: skip


def event_text(name: str | None, language: Language) -> str | None:
    """Return the display name of an event in the given language, or None if the event is unknown."""
    if name is None:
        return None
    stem, _, phase = name.rpartition(":")
    known = _NAMES.get(name) or (_NAMES.get(stem) if phase.lower() in _PHASES else None)
    return known[language is Language.ZH] if known else None
