"""Pairs of events: the words that tell the beginning of something from its end, and what the two have in common.

Only the last word of a name or a status counts: `Agent_Status_Stopped`, `DeviceOnline`, `blackhole_begin`. What remains
of the name is the stem. A beginning and an end belong together where stem and family are equal.

In doubt an event is no end: an incident that stays open too long expires, one that closes too early is a false green.
So words are left out that mean good or bad only by what they speak of: open, closed, enabled, disabled.
"""

import re
from collections.abc import Iterator
from typing import NamedTuple

_LONGEST = 200
"""Longer texts are no names."""


class Pair(NamedTuple):
    """What the two events of a pair have in common, and whether this one is the end."""

    stem: str
    family: str
    ends: bool


class _Family(NamedTuple):
    """Words of one kind. Families of the same `name` end each other's beginnings.

    Words that `follow` may stand behind another family's beginning, if that says how things are (`states`):
    `abnormal_begin`, `link_down_recovered`.
    """

    name: str
    begins: str
    ends: str
    follow: bool = False
    states: bool = True


_PHASES = _Family(
    # RDS "Instance_Failure_Start|End", Auto Scaling "SCALE_OUT_START", Anti-DDoS "ddoscoo_event_blackhole_add|end" and
    # its status "blackhole_begin|end", ECS "CreateSnapshotInitiated|Completed", SMC "REPLICATION_JOB_FINISH". Chinese:
    # EventBridge's page "Anti-DDoS events" (黑洞进行中, 黑洞解除, 攻击结束)
    "",
    begins="start started begin began add added occur occurred happened triggered initiated executing ongoing"
    " 开始 发生 触发 出现 产生 进行中",
    ends="end ends ended finish finished complete completed 结束 完成",
    follow=True,
    states=False,
)
_VERDICTS = _Family(
    # VPN Gateway "ipsec_health_check_failed|success", Database Backup "DataRestoreFail|Success", Auto Scaling
    # "SCALE_OUT_ERROR" and "SCALE_REJECT"
    "",
    begins="fail fails failed failure error errors exception reject rejected timeout unsuccessful aborted"
    " 失败 错误 出错 报错 拒绝 超时",
    ends="ok success succeed succeeds succeeded successful 成功",
)
_FAMILIES = (
    _PHASES,
    _VERDICTS,
    # DTS "sync_job_abnormal|restore", Auto Scaling "SCALE_OUT_WARN"
    _Family(
        "",
        begins="warn warning alarm alert 告警 报警 警告",
        ends="recover recovers recovered recovery restore restores restored resolved cleared 恢复 恢复正常 解除 消除",
        follow=True,
    ),
    # RDS and Redis "SyncStatusAbnormal", Auto Scaling's statuses unnormal and normal, OSS "...ThresholdExceeded"
    _Family(
        "",
        begins="abnormal unnormal unhealthy degraded broken faulty fault lost interrupted interruption blocked"
        " full high low exceeded overload overloaded 异常 故障 丢失 中断 不健康 不正常 已满 无响应",
        ends="normal healthy 正常 健康",
    ),
    # Kubernetes, of replicas and services
    _Family("available", "unavailable unreachable 不可用 不可达", "available reachable 可用 可达"),
    # Smart Access Gateway "DeviceWanLinkDown|Up" and its status linkdown
    _Family("up", "down linkdown", "up linkup"),
    # Smart Access Gateway "DeviceOffline|Online"
    _Family("online", "offline 离线 下线 掉线", "online 在线 上线"),
    # Smart Access Gateway "ConnectionDisconnect"
    _Family("connected", "disconnect disconnected 断开 断连", "connect connected reconnected 已连接 重连"),
    # ECS "Instance:StateChange" has Locked among its states
    _Family("unlocked", "lock locked 锁定", "unlock unlocked 解锁"),
    # Cloud Monitor "Agent_Status_Stopped|Running"
    _Family("running", "stop stopped shutdown crashed 停止 停机 宕机", "running 恢复运行"),
    # Database Backup "InstancePause"
    _Family("resumed", "pause paused suspend suspended 暂停 挂起", "resume resumed"),
    # the words of Auto Scaling's "EnterStandby" and "ExitStandby"
    _Family("exited", "enter entered 进入", "exit exited 退出"),
)


class _Turn(NamedTuple):
    family: _Family
    ends: bool

    @property
    def bad(self) -> bool:
        """Whether the word says how things are, and that this is bad."""
        return self.family.states and not self.ends


def _turns() -> Iterator[tuple[str, _Turn]]:
    for family in _FAMILIES:
        yield from ((word, _Turn(family, ends=False)) for word in family.begins.split())
        yield from ((word, _Turn(family, ends=True)) for word in family.ends.split())


_TURNS = dict(_turns())


def _set(words: str) -> frozenset[str]:
    return frozenset(words.split())


_EXITS = _set("process container task job program pod thread worker script node broker member service agent")
_JOINED = {
    "line": _set("off on"),
    "over": _set("fail"),
    "back": _set("fail"),
    "up": _set(
        "back set start clean scale warm speed look sign log pop wake catch top use fill hang hold ramp follow"
        " usage traffic cost price load rate latency"
    ),
    "down": _set("shut scale"),
    "running": _set("long over"),
    "recovery": _set("disaster crash data point"),
    "available": _set("version update upgrade patch"),
    "restore": _set("data backup snapshot"),
    "cleared": _set("data disk cache log"),
    "exit": _EXITS,
    "exited": _EXITS,
}
"""Two words that are one, by the last: `off line` is `offline`, while `back up` and `pod exited` end nothing."""

_NOT = _set("not never cannot unable partial partially partly 未 没 没有 无法 尚未 部分")
"""Among the three words before an end these make it none: `not_yet_recovered`, `ScaleOutPartialSuccess`."""
_NO = _set("no non 不 非 无")
"""Right before an end these do the same."""
_ATTACKS = _set("force attack crack cracking intrusion hack exploit injection hijack 攻击 破解 入侵")
"""What is bad if it succeeds."""
_FILLERS = _set("is was has have been be back to now already become 已 已经")
_NOISE = _set("event events notify notification notice message report 事件 通知")
"""Words behind the one that counts."""
_THINGS = _set("status state health job task link tunnel connection sync replication 状态 任务")
_WORKS = _set("backup restore recovery migration check plan upgrade import export 备份 迁移")
_WEAK = dict.fromkeys(_set("normal healthy running available ok 正常 健康 可用"), _THINGS) | dict.fromkeys(
    _set("success succeed succeeded successful finish finished complete completed 成功 完成"), _THINGS | _WORKS
)
"""Ends that say little as a status: OSS has `normal` where a limit is exceeded, Database Backup `running`. They count
where the name's last word is one of these, a thing or a work (`SyncStatus`), and nothing that has happened."""

_CHINESE = {
    word
    for words in (_TURNS, _NOT, _ATTACKS, _FILLERS, _NOISE, _THINGS, _WORKS)
    for word in words
    if not word.isascii()
}
_WORD = re.compile(
    "|".join(sorted(_CHINESE, key=len, reverse=True))
    + r"|[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+|\d+|[^\s_:.,;/|()\[\]（），、。-]"
)


class _Sign(NamedTuple):
    """What the last word of a text says of the words before it."""

    words: list[str]
    family: str
    ends: bool
    needs: frozenset[str] | None
    """As a status it counts only where the name ends in one of these words; None: it always does."""


def read_pair(name: str | None, status: str | None, result: str | None) -> Pair | None:
    """Read the pair that an event belongs to out of its name, its status, and the result in its content.

    An end that any of them contradicts is a beginning. None where neither name nor status has a word of a family.
    """
    named, stated, refuting = _sign(name), _sign(status), _sign(result)
    refuted = any(sign and not sign.ends for sign in (stated, refuting))
    if named and named.words:
        return Pair(" ".join(named.words), named.family, named.ends and not refuted)
    if not name or not stated:
        return None
    words = _words(name)
    if stated.needs is not None and _last(words) not in stated.needs:
        return None
    if set(stated.words) - _THINGS:  # `blackhole_end`: the names may differ in a word that is not known here
        words = _through(words, stated.words)
    return Pair(" ".join(words) or name, stated.family, stated.ends and not refuted)


def stem_of(name: str) -> str:
    """Return a name that has no word of a family as the stem of a pair: `x` is ended by `x_recovered`."""
    return " ".join(_words(name)) or name


def _words(text: str | None) -> list[str]:
    """Split a text at separators, digits and humps; what only says that it is an event is left out behind."""
    words: list[str] = []
    for match in _WORD.finditer(text if text and len(text) <= _LONGEST else ""):
        word = match[0].lower()
        if words and words[-1] in _JOINED.get(word, ()):
            words[-1] += word
        else:
            words.append(word)
    _drop(words, _NOISE)
    return words


def _drop(words: list[str], those: frozenset[str]) -> None:
    while words and words[-1] in those:
        words.pop()


def _sign(text: str | None) -> _Sign | None:
    words = _words(text)
    numbers = []
    while words and words[-1].isdigit():
        numbers.append(words.pop())
    turn = _TURNS.get(words[-1]) if words else None
    if turn is None:
        return None
    last = words.pop()
    ends = turn.ends and not _denied(words, turn)
    family = turn.family.name
    _drop(words, _FILLERS)
    while turn.family.follow and words and (before := _TURNS.get(words[-1])) and before.bad:
        words.pop()
        family = before.family.name or family
        _drop(words, _FILLERS)
    return _Sign([*words, *reversed(numbers)], family, ends, _WEAK.get(last))


def _denied(words: list[str], turn: _Turn) -> bool:
    """Whether the words before an end make it none."""
    last, before = _last(words), _TURNS.get(_last(words))
    if _NOT.intersection(words[-3:]) or last in _NO:
        return True
    if last == "to":
        before = _TURNS.get(_last(words[:-1]))  # failed to recover
        return before is not None and before.bad
    if turn.family is _VERDICTS:
        return last in _ATTACKS
    return not turn.family.follow and before is not None and before.bad  # abnormal exit


def _last(words: list[str]) -> str:
    return words[-1] if words else ""


def _through(words: list[str], stem: list[str]) -> list[str]:
    """Return the name's words up to the status' stem, which it most often holds; else that stem."""
    ends = [at + len(stem) for at in range(len(words)) if words[at : at + len(stem)] == stem]
    return words[: ends[-1]] if ends else stem
