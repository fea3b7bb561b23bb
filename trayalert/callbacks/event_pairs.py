"""Recognises events that come in pairs, a beginning and an end, by the words in their names.

Only the last word of a name or of a status counts: `Agent_Status_Stopped`, `DeviceOnline`, `blackhole_begin`. The rest
of the name is the stem. A beginning and an end belong together if they have the same stem and the same family.

In doubt an event does not count as an end: an incident that stays open too long expires, but an incident that closes
too early is a false green. Words that are good for some subjects and bad for others (open, closed, enabled, disabled)
are therefore left out.
"""

import re
from collections.abc import Iterator
from typing import NamedTuple

_LONGEST_NAME = 200
"""A longer text is not the name of an event."""


class Pair(NamedTuple):
    """The stem and family that the two events of a pair share, and whether this event is the end of the pair.

    `akin` are further families. An end may also end beginnings of these families; a beginning may also be ended by ends
    of these families.
    """

    stem: str
    family: str
    ends: bool
    akin: tuple[str, ...] = ()


class _WordFamily(NamedTuple):
    """Words of one kind that begin or end something. An end ends the beginnings of all families with the same `name`.

    If `states` is true, the words describe a state. If `follow` is true, the words may come after a word for a bad
    state: `abnormal_begin`, `link_down_recovered`. If `recoverable` is true, `recovered` may also end a beginning of
    the family.
    """

    name: str
    begins: str
    ends: str
    follow: bool = False
    states: bool = True
    recoverable: bool = False


_PHASES = _WordFamily(
    # RDS "Instance_Failure_Start|End", Auto Scaling "SCALE_OUT_START", Anti-DDoS "ddoscoo_event_blackhole_add|end" and
    # its status "blackhole_begin|end", ECS "CreateSnapshotInitiated|Completed", SMC "REPLICATION_JOB_FINISH". Chinese:
    # EventBridge's page "Anti-DDoS events" (黑洞进行中, 黑洞解除, 攻击结束)
    "",
    begins="start started begin began add added occur occurred happened triggered detected raised initiated executing"
    " ongoing 开始 发生 触发 出现 产生 进行中",
    ends="end ends ended finish finished complete completed 结束 完成",
    follow=True,
    states=False,
)
_VERDICTS = _WordFamily(
    # VPN Gateway "ipsec_health_check_failed|success", Database Backup "DataRestoreFail|Success", Auto Scaling
    # "SCALE_OUT_ERROR" and "SCALE_REJECT"
    "",
    begins="fail fails failed failure error errors exception reject rejected timeout unsuccessful aborted"
    " 失败 错误 出错 报错 拒绝 超时",
    ends="ok success succeed succeeds succeeded successful 成功",
)
_RECOVERIES = _WordFamily(
    # DTS "sync_job_abnormal|restore", Auto Scaling "SCALE_OUT_WARN"
    "",
    begins="warn warning alarm alert 告警 报警 警告",
    ends="recover recovers recovered recovery restore restores restored resolved cleared 恢复 恢复正常 解除 消除",
    follow=True,
)
_HEALTH = _WordFamily(
    # RDS and Redis "SyncStatusAbnormal", Auto Scaling's statuses unnormal and normal, OSS "...ThresholdExceeded"
    "",
    begins="abnormal unnormal unhealthy degraded broken faulty fault lost interrupted interruption blocked"
    " full high low exceeded overload overloaded 异常 故障 丢失 中断 不健康 不正常 已满 无响应",
    ends="normal healthy 正常 健康",
)
_FAMILIES = (
    _PHASES,
    _VERDICTS,
    _RECOVERIES,
    _HEALTH,
    # Kubernetes, about replicas and services
    _WordFamily(
        "available", "unavailable unreachable 不可用 不可达", "available reachable 可用 可达", recoverable=True
    ),
    # Smart Access Gateway "DeviceWanLinkDown|Up" and its status linkdown
    _WordFamily("up", "down linkdown", "up linkup", recoverable=True),
    # Smart Access Gateway "DeviceOffline|Online"
    _WordFamily("online", "offline 离线 下线 掉线", "online 在线 上线", recoverable=True),
    # Smart Access Gateway "ConnectionDisconnect"
    _WordFamily(
        "connected", "disconnect disconnected 断开 断连", "connect connected reconnected 已连接 重连", recoverable=True
    ),
    # ECS "Instance:StateChange" has Locked among its states
    _WordFamily("unlocked", "lock locked 锁定", "unlock unlocked 解锁"),
    # Cloud Monitor "Agent_Status_Stopped|Running"
    _WordFamily("running", "stop stopped shutdown crashed 停止 停机 宕机", "running 恢复运行", recoverable=True),
    # Database Backup "InstancePause"
    _WordFamily("resumed", "pause paused suspend suspended 暂停 挂起", "resume resumed"),
    # the words of Auto Scaling's "EnterStandby" and "ExitStandby"
    _WordFamily("exited", "enter entered 进入", "exit exited 退出"),
)


_RECOVERABLE = tuple(family.name for family in _FAMILIES if family.recoverable)


class _WordSense(NamedTuple):
    family: _WordFamily
    ends: bool

    @property
    def bad(self) -> bool:
        """Whether the word describes a bad state."""
        return self.family.states and not self.ends


def _word_senses() -> Iterator[tuple[str, _WordSense]]:
    for family in _FAMILIES:
        yield from ((word, _WordSense(family, ends=False)) for word in family.begins.split())
        yield from ((word, _WordSense(family, ends=True)) for word in family.ends.split())


_SENSES = dict(_word_senses())


def _word_set(words: str) -> frozenset[str]:
    return frozenset(words.split())


_EXITS = _word_set("process container task job program pod thread worker script node broker member service agent")
_OPERATED = _word_set("disaster crash data point auto automatic in under")
_JOINED = {
    "line": _word_set("off on"),
    "over": _word_set("fail"),
    "back": _word_set("fail"),
    "up": _word_set(
        "back set start clean scale warm speed look sign log pop wake catch top use fill hang hold ramp follow"
        " usage traffic cost price load rate latency cpu memory bandwidth qps requests connections length size count"
        " temperature utilization delay"
    ),
    "down": _word_set("shut scale"),
    "running": _word_set("long over"),
    "recover": _OPERATED,
    "recovery": _OPERATED,
    "available": _word_set("version update upgrade patch"),
    "restore": _OPERATED | _word_set("backup snapshot"),
    "cleared": _word_set("data disk cache log"),
    "exit": _EXITS,
    "exited": _EXITS,
}
"""Pairs of words that are read as one word, keyed by the second word.

`off line` is read as `offline`. `back up` and `pod exited` are read as one word so that `up` and `exited` do not count
as ends.
"""
_PREFIXES = _word_set("un dis ab")
"""Prefixes that form one word with a following word of a family, as in `UnHealthy`."""

_NEGATIONS = _word_set(
    "not never cannot unable partial partially partly half almost nearly mostly longer"
    " will would can could should shall may might must expected waiting awaiting wait pending need needs needed require"
    " requires required try trying attempt attempting"
    " 未 没 没有 无法 尚未 部分 不再 难以 待 等待 需 需要 正在 尝试 即将 将 预计 可能 逐步 逐渐 请 尽快"
)
"""Words that negate an end within the next three words: `not_yet_recovered`, `waiting_for_recovery`, `正在恢复`."""
_DIRECT_NEGATIONS = _word_set("no non 不 非 无") | _PREFIXES
"""Words that negate an end only if they stand directly before the end."""
_RETURNED = _word_set("back return returned returns")
"""Words after which `to` leads to an end, as in `returned_to_normal`.

After any other word, `to` begins an infinitive, which negates the end: `about_to_recover`.
"""
_ATTACKS = _word_set(
    "force attack crack cracking intrusion hack exploit injection hijack breach bypass escalation login logon"
    " 攻击 破解 入侵 登录 登陆 提权"
)
"""Words for attacks and logins. The success of an attack is bad, and the success of a login ends nothing."""
_OUTCOMES = _word_set("fail fails failed unsuccessful aborted reject rejected timeout 失败 拒绝 超时")
"""Words for the bad outcome of a task. The outcome remains after the task has ended."""
_COMPLETIONS = _word_set("finish finished complete completed 完成")
"""After a word for a bad state, these words confirm the state: `shutdown_completed`."""
_FILLERS = _word_set("is was has have been be to now already become automatically 已 已经 自动") | _RETURNED
_NOISE = _word_set("event events notify notification notice message report 事件 通知")
"""Words that are removed from the end of a text before its last word is read."""
_THINGS = _word_set("status state health job task link tunnel connection sync replication 状态 任务")
_WORKS = _word_set("backup restore recovery migration check plan upgrade import export 备份 迁移")
_WEAK = dict.fromkeys(_word_set("normal healthy running available ok 正常 健康 可用"), _THINGS) | dict.fromkeys(
    _word_set("success succeed succeeded successful finish finished complete completed 成功 完成"), _THINGS | _WORKS
)
"""Ends that are not reliable as a status, each with a set of words for things and tasks.

OSS sends the status `normal` when a limit is exceeded, and Database Backup sends `running`. A status of this kind
counts only if the last word of the event's name is in the set, as in `SyncStatus`.
"""

_CHINESE = {
    word
    for words in (_SENSES, _NEGATIONS, _ATTACKS, _OUTCOMES, _FILLERS, _NOISE, _THINGS, _WORKS)
    for word in words
    if not word.isascii()
}
_WORD = re.compile(
    "|".join(sorted(_CHINESE, key=len, reverse=True))
    + r"|[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+|\d+|[^\s_:.,;/|()\[\]（），、。-]"
)


class _Suffix(NamedTuple):
    """The last word of a text and the words before it."""

    words: list[str]
    sense: _WordSense
    family: str
    ends: bool
    needs: frozenset[str] | None
    """The last words of an event's name with which this text counts as a status, or None if it always counts."""


def read_pair(name: str | None, status: str | None, result: str | None) -> Pair | None:
    """Return the pair that an event belongs to, from its name, its status and the result in its content.

    An end that the status or the result contradicts counts as a beginning. Return None if neither the name nor the
    status ends in a word of a family.
    """
    named, stated, refuting = _read_suffix(name), _read_suffix(status), _read_suffix(result)
    if named and stated and _follows(stated, named):
        named = _read_suffix(f"{name} {status}") or named
    refuted = any(suffix and not suffix.ends for suffix in (stated, refuting))
    if named and named.words:
        return _pair(" ".join(named.words), named, refuted=refuted)
    if not name or not stated:
        return None
    words = _words(name)
    if stated.needs is not None and _last_word(words) not in stated.needs:
        return None
    if set(stated.words) - _THINGS:  # as in `blackhole_end`: an unknown word may differ in the two names of the pair
        words = _up_to_stem(words, stated.words)
    return _pair(" ".join(words) or name, stated, refuted=refuted)


def _pair(stem: str, suffix: _Suffix, *, refuted: bool) -> Pair:
    ends = suffix.ends and not refuted
    if ends:
        recovers = not suffix.family and suffix.sense.family in {_RECOVERIES, _HEALTH}
        return Pair(stem, suffix.family, ends, _RECOVERABLE if recovers else ())
    return Pair(stem, suffix.family, ends, ("",) if suffix.family in _RECOVERABLE else ())


def _follows(stated: _Suffix, named: _Suffix) -> bool:
    """Return whether the status refers to the state at the end of the name, as `end` does to `network_interruption`."""
    return stated.sense.family.follow and stated.needs is None and not stated.words and named.sense.bad


def stem_of(name: str) -> str:
    """Return the stem of a name that has no word of a family, so that `x_recovered` can end `x`."""
    return " ".join(_words(name)) or name


def _words(text: str | None) -> list[str]:
    """Split a text into words at separators, digits and capitals, and remove the noise words at its end."""
    words: list[str] = []
    for match in _WORD.finditer(text if text and len(text) <= _LONGEST_NAME else ""):
        word = match[0].lower()
        if words and (words[-1] in _JOINED.get(word, ()) or (words[-1] in _PREFIXES and words[-1] + word in _SENSES)):
            words[-1] += word
        else:
            words.append(word)
    _drop_trailing(words, _NOISE)
    return words


def _drop_trailing(words: list[str], removed: frozenset[str]) -> None:
    while words and words[-1] in removed:
        words.pop()


def _read_suffix(text: str | None) -> _Suffix | None:
    words = _words(text)
    numbers = []
    while words and words[-1].isdigit():
        numbers.append(words.pop())
    sense = _SENSES.get(words[-1]) if words else None
    if sense is None:
        return None
    last = words.pop()
    ends = sense.ends and not _is_negated(last, words, sense)
    family = sense.family.name
    _drop_trailing(words, _FILLERS)
    while sense.family.follow and len(words) > 1 and (before := _SENSES.get(words[-1])) and before.bad:
        words.pop()
        family = before.family.name or family
        _drop_trailing(words, _FILLERS)
    return _Suffix([*words, *reversed(numbers)], sense, family, ends, _WEAK.get(last))


def _is_negated(word: str, words: list[str], sense: _WordSense) -> bool:
    """Return whether the words before an end negate the end."""
    last = _last_word(words)
    if _NEGATIONS.intersection(words[-3:]) or last in _DIRECT_NEGATIONS:
        return True
    if match := re.search(r"(\w*) to(?: be| have been)?\Z", f" {' '.join(words)}"):  # `to be restored`
        return match[1] not in _RETURNED
    before = _SENSES.get(last)
    bad = before is not None and before.bad
    if sense.family is _VERDICTS:
        return bad or last in _ATTACKS  # `shutdown_success`
    if sense.family is _PHASES:
        return last in _OUTCOMES or (bad and word in _COMPLETIONS)
    if sense.family is _RECOVERIES:
        return before is not None and before.family is _PHASES and not before.ends  # `start_recovery`
    return bad  # `abnormal_exit`


def _last_word(words: list[str]) -> str:
    return words[-1] if words else ""


def _up_to_stem(words: list[str], stem: list[str]) -> list[str]:
    """Return the words of a name up to the end of this stem, or only the stem if the name does not contain the stem."""
    ends = [at + len(stem) for at in range(len(words)) if words[at : at + len(stem)] == stem]
    return words[: ends[-1]] if ends else stem
