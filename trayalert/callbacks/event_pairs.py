"""Pairs of events: the words that mark a beginning or an end, and what both events of a pair have in common.

Only the last word of a name or a status counts: `Agent_Status_Stopped`, `DeviceOnline`, `blackhole_begin`. The rest of
the name is the stem. A beginning and an end with the same stem and family belong together.

In doubt an event is no end: an incident that stays open too long expires, one that closes too early is a false green.
So words that are good or bad only by their subject are left out: open, closed, enabled, disabled.
"""

import re
from collections.abc import Iterator
from typing import NamedTuple

_LONGEST_NAME = 200
"""Longer texts are not names."""


class Pair(NamedTuple):
    """What the two events of a pair have in common, and whether this one is the end.

    `akin` are other families whose beginnings this end may end, or whose ends may end this beginning.
    """

    stem: str
    family: str
    ends: bool
    akin: tuple[str, ...] = ()


class _WordFamily(NamedTuple):
    """Words of one kind. Families of the same `name` end each other's beginnings.

    Words that `follow` may come after a beginning of a family that describes a state (`states`): `abnormal_begin`,
    `link_down_recovered`. A `recoverable` state may also end with `recovered`.
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
    # Kubernetes, of replicas and services
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
"""Two words that are read as one, by the last: `off line` is `offline`; `back up` and `pod exited` end nothing."""
_PREFIXES = _word_set("un dis ab")
"""They form one word with a next word of a family: `UnHealthy`."""

_NEGATIONS = _word_set(
    "not never cannot unable partial partially partly half almost nearly mostly longer"
    " will would can could should shall may might must expected waiting awaiting wait pending need needs needed require"
    " requires required try trying attempt attempting"
    " 未 没 没有 无法 尚未 部分 不再 难以 待 等待 需 需要 正在 尝试 即将 将 预计 可能 逐步 逐渐 请 尽快"
)
"""Words that negate one of the next three words: `not_yet_recovered`, `waiting_for_recovery`, `正在恢复`."""
_DIRECT_NEGATIONS = _word_set("no non 不 非 无") | _PREFIXES
"""Words that negate the next word."""
_RETURNED = _word_set("back return returned returns")
"""Before `to normal` these confirm the end; after other words `to` is an infinitive's: `about_to_recover`."""
_ATTACKS = _word_set(
    "force attack crack cracking intrusion hack exploit injection hijack breach bypass escalation login logon"
    " 攻击 破解 入侵 登录 登陆 提权"
)
"""Attacks: their success is bad or ends nothing."""
_OUTCOMES = _word_set("fail fails failed unsuccessful aborted reject rejected timeout 失败 拒绝 超时")
"""Outcomes, which do not end when the task ends."""
_COMPLETIONS = _word_set("finish finished complete completed 完成")
"""After a state these confirm the state: `shutdown_completed`."""
_FILLERS = _word_set("is was has have been be to now already become automatically 已 已经 自动") | _RETURNED
_NOISE = _word_set("event events notify notification notice message report 事件 通知")
"""Words that are dropped from the end of a text."""
_THINGS = _word_set("status state health job task link tunnel connection sync replication 状态 任务")
_WORKS = _word_set("backup restore recovery migration check plan upgrade import export 备份 迁移")
_WEAK = dict.fromkeys(_word_set("normal healthy running available ok 正常 健康 可用"), _THINGS) | dict.fromkeys(
    _word_set("success succeed succeeded successful finish finished complete completed 成功 完成"), _THINGS | _WORKS
)
"""Ends that are weak as a status: OSS has `normal` when a limit is exceeded, Database Backup `running`. They count only
if the name ends in one of these words, a thing or a task (`SyncStatus`)."""

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
    """As a status the word counts only if the name ends in one of these words; None: always."""


def read_pair(name: str | None, status: str | None, result: str | None) -> Pair | None:
    """Return the pair that an event belongs to, by its name, its status and the result in its content.

    An end that one of them contradicts is a beginning. None if neither name nor status has a word of a family.
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
    if set(stated.words) - _THINGS:  # `blackhole_end`: the names of the pair may differ in an unknown word
        words = _up_to_stem(words, stated.words)
    return _pair(" ".join(words) or name, stated, refuted=refuted)


def _pair(stem: str, suffix: _Suffix, *, refuted: bool) -> Pair:
    ends = suffix.ends and not refuted
    if ends:
        recovers = not suffix.family and suffix.sense.family in {_RECOVERIES, _HEALTH}
        return Pair(stem, suffix.family, ends, _RECOVERABLE if recovers else ())
    return Pair(stem, suffix.family, ends, ("",) if suffix.family in _RECOVERABLE else ())


def _follows(stated: _Suffix, named: _Suffix) -> bool:
    """Whether the status refers to the state at the end of the name: `network_interruption` and `end`."""
    return stated.sense.family.follow and stated.needs is None and not stated.words and named.sense.bad


def stem_of(name: str) -> str:
    """Return a name without a word of a family as the stem of a pair: `x` ends with `x_recovered`."""
    return " ".join(_words(name)) or name


def _words(text: str | None) -> list[str]:
    """Split a text at separators, digits and capitals, without noise words at its end."""
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
    """Whether the words before an end negate the end."""
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
    """Return the words of a name up to the stem of its status, or that stem if the name does not hold it."""
    ends = [at + len(stem) for at in range(len(words)) if words[at : at + len(stem)] == stem]
    return words[: ends[-1]] if ends else stem
