"""The four levels, and the words that senders use for them."""

import enum

from trayalert.domain.phrase import N_


class Level(enum.StrEnum):
    """The level of an alert. The members are listed from best to worst. To compare levels, compare their `rank`."""

    OK = N_("OK")
    INFO = N_("INFO")
    WARN = N_("WARN")
    CRITICAL = N_("CRITICAL")

    @property
    def rank(self) -> int:
        """The rank of the level, from 0 for OK to 3 for CRITICAL."""
        return _RANKS[self]


_RANKS = {level: rank for rank, level in enumerate(Level)}

# The words for each level, with the senders that use them. A word that two senders use for different levels counts as
# the worse level. Some words are left out, so that the level is read from the next field: bare numbers (1 is severe in
# syslog and harmless in Zabbix), `unknown`, `default`, `unspecified`, and words that end an alert (`normal`, `cleared`,
# `resolved`).
_CRITICAL = (
    "critical", "crit", "fatal",  # Cloud Monitor, Alertmanager, Grafana; syslog (RFC 5424); logging libraries
    "emergency", "emerg", "panic", "alert",  # Cloud Monitor 2.0; syslog; Datadog's monitors
    "disaster", "high", "highest",  # Zabbix "Trigger severity": High and Disaster; Log Service; Jira
    "page",  # ARMS "alert levels", Prometheus' rules: an engineer is woken; Google's "SRE workbook"
    "severe", "serious", "urgent", "blocker",  # ECS "system events": Serious; PagerDuty "urgency"; Jira
    "major",  # X.733: "urgent corrective action is required"
    "down",  # Nagios, a host
    "p0", "p1", "p2",  # Cloud Monitor's alert log has P2 for CRITICAL; Opsgenie, PagerDuty, ARMS: P1 is the worst
    "sev0", "sev1", "sev2",  # PagerDuty "Severity levels": SEV-2 is a major incident; Azure Monitor: Sev0 Critical
    "严重", "紧急", "致命", "灾难", "危急", "重大", "高", "高危", "重要",  # Cloud Monitor, Zabbix, Huawei's Cloud Eye
)  # fmt: skip
_WARN = (
    "warn", "warning",
    "error", "err",  # Google Cloud "AlertPolicy.Severity" and PagerDuty: below critical; syslog: below critical
    "average", "medium", "moderate",  # Zabbix; Log Service
    "minor",  # X.733, below major
    "ticket",  # Google's "SRE workbook": an engineer handles it within days
    "unreachable",  # Nagios: a host whose parent host is down
    "p3", "sev3",
    "警告", "告警", "预警", "一般", "一般严重", "次要", "中", "中危",
)  # fmt: skip
_INFO = (
    "info", "information", "informational", "notice", "debug",  # Cloud Monitor, Zabbix, syslog
    "low", "lowest", "trivial", "verbose", "trace",  # Log Service; Jira; Azure Monitor: Sev4 Verbose
    "none",  # Prometheus' Watchdog and InfoInhibitor, which fire on purpose
    "not classified", "not_classified", "not-classified",  # Zabbix ranks "Not classified" below Information
    "p4", "p5", "p6",  # Cloud Monitor's alert log has P4 for INFO; Opsgenie, PagerDuty; ARMS has P6
    "sev4", "sev5",
    "信息", "提醒", "提示", "通知", "低", "低危", "未分类",
)  # fmt: skip

_WORDS = {"OK": Level.OK} | {
    spelt.upper(): level
    for level, words in ((Level.INFO, _INFO), (Level.WARN, _WARN), (Level.CRITICAL, _CRITICAL))
    for word in words
    for spelt in {word, *(word.replace("sev", f"sev{sign}") for sign in "-_ " if word[:-1] == "sev")}
}


def read_level(*words: str | None, absent: Level = Level.WARN) -> Level:
    """Return the level that the first known word stands for, or `absent` if no word is known."""
    for word in words:
        if word and (level := _WORDS.get(word.strip().upper())):
            return level
    return absent


def read_alert_level(*words: str | None, recovered: bool) -> Level:
    """Return the level for the sender's words, or a default if none of the words is known.

    If the alert has `recovered`, the default is OK. If the alert has not recovered, the default is WARN, and the word
    `ok` is ignored.
    """
    if recovered:
        return read_level(*words, absent=Level.OK)
    return read_level(*(word for word in words if word and _WORDS.get(word.strip().upper()) is not Level.OK))


def worst(*levels: Level) -> Level:
    """Return the worst of the given levels."""
    return max(levels, key=lambda level: level.rank)
