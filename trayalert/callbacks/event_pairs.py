"""Recognises events that come in pairs, a beginning and an end, by the words in their names.

The last word of a name or status shows whether an event is a beginning or an end, as in `Agent_Status_Stopped`,
`DeviceOnline` and `blackhole_begin`. The words before the last word are the stem. These words may also negate an
end, as in `not_yet_recovered`. Last words that belong together, such as `online` and `offline`, form a family. A
beginning and an end are a pair if both have the same stem and the same family.

In cases of doubt, an event does not count as an end. An incident that stays open too long expires, but an incident that
closes too early makes the user believe that all is well. Words such as `open`, `closed`, `enabled` and `disabled` are
good news in some events and bad news in others. Therefore these words belong to no family.
"""

import re
from collections.abc import Iterator
from typing import NamedTuple

_LONGEST_NAME = 200
"""Maximum length of an event's name. A longer string is treated as a name without words."""


class Pair(NamedTuple):
    """The pair that an event belongs to. `ends` is True for the end of the pair, and False for the beginning.

    Both events of a pair have the same `stem`, and usually the same `family`. `akin` lists the families that the other
    event of the pair may have instead of `family`.
    """

    stem: str
    family: str
    ends: bool
    akin: tuple[str, ...] = ()


class _WordFamily(NamedTuple):
    """The words that mark the beginning of a condition, and the words that mark its end. Spaces separate the words."""

    name: str
    """The name of the family, which other families may share.

    An end in one family also ends a beginning in another family with the same name.
    """
    begins: str
    ends: str
    follow: bool = False
    """Whether a word of this family may come after a word for a bad state, as in `link_down_recovered`.

    If true, neither of the two words becomes part of the stem. Therefore `link_down_recovered` ends `link_down`.
    """
    states: bool = True
    """Whether the words in `begins` describe a bad state.

    If true, most words for an end do not count as an end directly after a word in `begins`, as in `shutdown_success`.
    """
    recoverable: bool = False
    """Whether a general end such as `recovered` or `normal` can also end a beginning of this family."""


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
"""Pairs of words that are read as one word. The key is the second word, and the set contains the possible first words.

For example, `off line` is read as `offline`. If `back up` and `pod exited` were read as two words each, `up` and
`exited` would count as ends.
"""
_PREFIXES = _word_set("un dis ab")
"""Prefixes that are joined with the next word if the result is a word of a family, as in `UnHealthy`."""

_NEGATIONS = _word_set(
    "not never cannot unable partial partially partly half almost nearly mostly longer"
    " will would can could should shall may might must expected waiting awaiting wait pending need needs needed require"
    " requires required try trying attempt attempting"
    " 未 没 没有 无法 尚未 部分 不再 难以 待 等待 需 需要 正在 尝试 即将 将 预计 可能 逐步 逐渐 请 尽快"
)
"""Words that negate an end if they are among the three words before it: `not_yet_recovered`, `正在恢复`."""
_DIRECT_NEGATIONS = _word_set("no non 不 非 无") | _PREFIXES
"""Words that negate an end only if they come directly before it."""
_RETURNED = _word_set("back return returned returns")
"""Words that may come before `to` without negating the end, as in `returned_to_normal`.

After any other word, `to` negates the end, as in `about_to_recover`.
"""
_ATTACKS = _word_set(
    "force attack crack cracking intrusion hack exploit injection hijack breach bypass escalation login logon"
    " 攻击 破解 入侵 登录 登陆 提权"
)
"""Words for attacks and logins.

The success of an attack is bad news, and the success of a login ends nothing. Therefore `success` directly after one of
these words does not count as an end.
"""
_OUTCOMES = _word_set("fail fails failed unsuccessful aborted reject rejected timeout 失败 拒绝 超时")
"""Words for the bad outcome of a task.

The outcome is still bad after the task has ended, so `end` directly after one of these words does not count as an end.
"""
_COMPLETIONS = _word_set("finish finished complete completed 完成")
"""Words for an end that do not count as an end directly after a word for a bad state, as in `shutdown_completed`."""
_FILLERS = _word_set("is was has have been be to now already become automatically 已 已经 自动") | _RETURNED
_NOISE = _word_set("event events notify notification notice message report 事件 通知")
"""Words that are dropped from the end of a name or status before its last word is read."""
_THINGS = _word_set("status state health job task link tunnel connection sync replication 状态 任务")
_WORKS = _word_set("backup restore recovery migration check plan upgrade import export 备份 迁移")
_WEAK = dict.fromkeys(_word_set("normal healthy running available ok 正常 健康 可用"), _THINGS) | dict.fromkeys(
    _word_set("success succeed succeeded successful finish finished complete completed 成功 完成"), _THINGS | _WORKS
)
"""Maps each word that is an unreliable status to a set of words. The event's name must end with a word of the set.

For example, the status `normal` counts as an end of the event `SyncStatus`, because the name ends with `Status`.
With any other name, a status in the map is ignored. OSS sends `normal` when a limit is exceeded, and Database Backup
sends `running`. Without the map, these statuses would wrongly count as ends.
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
    """The meaning of the last word of a name or status, and the `words` before the last word."""

    words: list[str]
    sense: _WordSense
    family: str
    """The family of the last word. In a name such as `link_down_recovered`, the family of `down` instead."""
    ends: bool
    """Whether the last word is an end and is not negated by the words before it."""
    needs: frozenset[str] | None
    """A status with this suffix counts only if the event's name ends with one of these words.

    None if a status with this suffix always counts.
    """


def read_pair(name: str | None, status: str | None, result: str | None) -> Pair | None:
    """Return the pair that an event belongs to, judging by its name, its status and the `result` in its content.

    If the status or the result contradicts an end, the event counts as a beginning. Return None if neither the name nor
    the status shows that the event belongs to a pair.
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
    if set(stated.words) - _THINGS:  # as in `blackhole_end`: the words after `blackhole` in the two names may differ
        words = _up_to_stem(words, stated.words)
    return _pair(" ".join(words) or name, stated, refuted=refuted)


def _pair(stem: str, suffix: _Suffix, *, refuted: bool) -> Pair:
    ends = suffix.ends and not refuted
    if ends:
        recovers = not suffix.family and suffix.sense.family in {_RECOVERIES, _HEALTH}
        return Pair(stem, suffix.family, ends, _RECOVERABLE if recovers else ())
    return Pair(stem, suffix.family, ends, ("",) if suffix.family in _RECOVERABLE else ())


def _follows(stated: _Suffix, named: _Suffix) -> bool:
    """Return whether the status is about the bad state that the last word of the name describes.

    For example, the status `end` is about the interruption in the name `network_interruption`.
    """
    return stated.sense.family.follow and stated.needs is None and not stated.words and named.sense.bad


def stem_of(name: str) -> str:
    """Return the stem of a name that does not end with a word of a family.

    The event `x_recovered` has the same stem as the event `x`. Therefore `x_recovered` can end `x`.
    """
    return " ".join(_words(name)) or name


def _words(text: str | None) -> list[str]:
    """Split a string into lower-case words at separators, digits and capital letters, and drop trailing noise words."""
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
    """Return whether the end `word` is negated by the `words` before it."""
    last = _last_word(words)
    if _NEGATIONS.intersection(words[-3:]) or last in _DIRECT_NEGATIONS:
        return True
    if match := re.search(r"(\w*) to(?: be| have been)?\Z", f" {' '.join(words)}"):  # as in `to be restored`
        return match[1] not in _RETURNED
    before = _SENSES.get(last)
    bad = before is not None and before.bad
    if sense.family is _VERDICTS:
        return bad or last in _ATTACKS  # as in `shutdown_success`
    if sense.family is _PHASES:
        return last in _OUTCOMES or (bad and word in _COMPLETIONS)
    if sense.family is _RECOVERIES:
        return before is not None and before.family is _PHASES and not before.ends  # as in `start_recovery`
    return bad  # as in `abnormal_exit`


def _last_word(words: list[str]) -> str:
    return words[-1] if words else ""


def _up_to_stem(words: list[str], stem: list[str]) -> list[str]:
    """Return the words of a name up to and including its `stem`.

    If the name does not contain the stem, return only the stem.
    """
    ends = [at + len(stem) for at in range(len(words)) if words[at : at + len(stem)] == stem]
    return words[: ends[-1]] if ends else stem
