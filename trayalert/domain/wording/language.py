"""The language in which alerts are presented. Text that scripts read is never translated.

Every word has a form in each language, and the code refers to a word by its English form. A word whose Chinese form is
missing here is a bug in trayalert.
"""

import enum
from collections.abc import Mapping

from trayalert.domain.incident.alert import State
from trayalert.domain.incident.incident import Change
from trayalert.domain.times import Millis, duration_text


class Language(enum.StrEnum):
    """A language in which alerts are presented."""

    EN = "en"
    ZH = "zh"

    def say(self, english: str) -> str:
        """Return a word in this language, given its English form.

        Raise `KeyError` if _CHINESE does not contain the word.
        """
        chinese = _CHINESE[english]
        return chinese if self is Language.ZH else english


_CHINESE: Mapping[str, str] = {
    ", ": "，",
    "; ": "；",
    # levels
    "CRITICAL": "严重",
    "WARN": "警告",
    "INFO": "信息",
    "OK": "正常",
    # states and endings
    "ALERT": "告警",
    "no data": "无数据",
    "NO DATA": "无数据",
    "unconfirmed": "未确认",
    "open": "未恢复",
    "late": "迟到",
    "recovered": "已恢复",
    "Recovered": "已恢复",
    "recovered by hand": "手动恢复",
    "superseded": "已被取代",
    "expired": "已过期",
    "closed": "已关闭",
    "start unknown": "开始时间未知",
    "unknown": "未知",
    # phrases that contain a time or a duration
    "since {}": "自 {} 起",
    "Since {}": "自 {} 起",
    "After {}": "持续 {}",
    "Its start is unknown": "开始时间未知",
    "Was {}": "之前为{}",
    # statistics, and words between conditions
    "Average": "平均值",
    "Maximum": "最大值",
    "Minimum": "最小值",
    "Value": "值",
    "Sum": "总和",
    "{} times": "连续 {} 次",
    "and": "且",
    "or": "或",
    # units
    "/s": "/秒",
    "/min": "/分钟",
    "/h": "/小时",
    "/day": "/天",
    "ns": "纳秒",
    "µs": "微秒",
    "ms": "毫秒",
    "s": "秒",
    "min": "分钟",
    "h": "小时",
    "d": "天",
    "cores": "核",
    "lines": "行",
    "packets": "个包",
    "requests": "次请求",
    "transactions": "个事务",
    # components of a resource
    "disk": "磁盘",
    "device": "设备",
    "mount": "挂载点",
    "listener": "监听",
    "port": "端口",
    "protocol": "协议",
    "process": "进程",
    "GPU": "GPU",
    "state": "状态",
    "IP": "IP",
    "VIP": "VIP",
    "domain": "域名",
    "interface": "网卡",
    "node": "节点",
    "role": "角色",
    "host": "主机",
    "topic": "主题",
    "consumer group": "消费组",
    "queue": "队列",
    "exchange": "交换机",
    "vhost": "vhost",
    "partition": "分区",
    "database": "数据库",
    "logstore": "日志库",
    "stage": "环境",
    "rule": "规则",
    "server group": "服务器组",
    "service": "服务",
    "function": "函数",
    "namespace": "命名空间",
    "pod": "Pod",
    "container": "容器",
    "deployment": "Deployment",
    "stateful set": "StatefulSet",
    "daemon set": "DaemonSet",
    "volume claim": "存储声明",
    "instance": "实例",
    # expected callbacks
    "Silent for {}, {}": "已 {} 没有回调，{}",
    "Heard again, {}": "已恢复回调，{}",
    "No longer expected, {}": "不再预期，{}",
    "last {}": "最近一次 {}",
    "none yet": "尚未收到过",
    # metrics
    "Several metrics": "多指标",
}

_ENDINGS = {
    Change.RECOVERED: "recovered",
    Change.RESOLVED: "recovered by hand",
    Change.SUPERSEDED: "superseded",
    Change.EXPIRED: "expired",
}


def find_language(setting: str, environment: Mapping[str, str]) -> Language:
    """Return the language that `setting` names or, if `setting` is `auto`, the language of the system's messages.

    As in POSIX, the first non-empty variable of LC_ALL, LC_MESSAGES and LANG sets the language of messages. Every
    language except Chinese counts as English.
    """
    if setting in list(Language):
        return Language(setting)
    names = (environment.get(name) for name in ("LC_ALL", "LC_MESSAGES", "LANG"))
    locale = next(filter(None, names), "")
    return Language.ZH if locale.lower().startswith("zh") else Language.EN


def localised_duration(length: Millis, language: Language, *, seconds: bool = False) -> str:
    """Format a duration, such as `3 min` or `2 小时 5 分钟`.

    If `seconds` is true, a duration of less than an hour also shows seconds: `3 min 20 s`.
    """
    units = (language.say("s"), language.say("min"), language.say("h"), language.say("d"))
    return duration_text(length, units=units, seconds=seconds)


def state_text(state: State, language: Language) -> str:
    """Return the state of an alert as a word in the given language."""
    return language.say("no data" if state is State.INSUFFICIENT_DATA else state.value)


def ending_text(closed_by: Change | None, language: Language) -> str:
    """Return the word for how an incident ended, in the given language."""
    return language.say(_ENDINGS.get(closed_by, "closed") if closed_by else "closed")
