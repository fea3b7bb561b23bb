"""A backend in memory, with a test double for each of its protocols, and a set of varied incidents."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from trayalert.domain.check_result import Check, Verdict
from trayalert.domain.events import UrlChanged
from trayalert.domain.gap import Gap
from trayalert.domain.incident.alert import Alert, Identity, Kind, State
from trayalert.domain.incident.console_link import ConsoleLink
from trayalert.domain.incident.incident import Change, Incident, resolve
from trayalert.domain.incident.level import Level, worst
from trayalert.domain.incident.stored_alert import StoredAlert, StoredIncident
from trayalert.domain.phrase import Phrase
from trayalert.domain.reachability import Reachability, ReachabilityState
from trayalert.domain.settings.custom_command import CustomCommand, FilledCommand, fill_command
from trayalert.domain.settings.ingress import ChosenIngress
from trayalert.domain.times import Millis
from trayalert.domain.tunnel import TunnelState
from trayalert.domain.wording.language import Language
from trayalert.ui.backend import Backend, ProgramState

NOON: Millis = 1_795_406_400_000
MINUTE: Millis = 60_000
HOUR: Millis = 60 * MINUTE


def stored(
    number: int,
    *,
    opened_at: Millis = NOON,
    closed_at: Millis | None = None,
    closed_by: Change = Change.RECOVERED,
    level: Level = Level.CRITICAL,
    no_data: bool = False,
    start_known: bool = True,
    alerts: int = 1,
    name: str | None = "内存使用率",
    resource_id: str | None = "i-bp1aaaaaaaaaaaaaaaaa",
    resource_name: str | None = "web-01",
    metric: str = "memory_usedutilization",
    metric_title: str | None = "内存使用率",
    value: float | None = 97.39,
    value_text: str | None = "97.39",
    unit: str | None = "%",
    region: str | None = "cn-hangzhou",
    namespace: str = "acs_ecs_dashboard",
) -> StoredIncident:
    """Return an incident with this id, and the alert with which the incident is shown."""
    incident = Incident(
        id=number,
        key=f"key {number}",
        subject=f"subject {number}",
        opened_at=opened_at,
        start_known=start_known,
        closed_at=closed_at,
        closed_by=None if closed_at is None else closed_by,
        level=level if closed_at is None else Level.OK,
        worst_level=level,
        no_data=no_data,
        last_at=closed_at or opened_at,
        last_received_at=closed_at or opened_at,
        alerts=alerts,
        last_alert_id=number * 10,
    )
    alert = Alert(
        kind=Kind("threshold"),
        identity=Identity(text=f"alert {number}", timed=True),
        key=incident.key,
        subject=incident.subject,
        state=State.ALERT if closed_at is None else State.OK,
        level=incident.level,
        at=incident.last_at,
        name=name,
        rule_id="putNewAlarm_user_7e78",
        metric=metric,
        metric_title=metric_title,
        value=value,
        value_text=value_text,
        unit=unit,
        expression="$Average>=90",
        namespace=namespace,
        region=region,
        resource_id=resource_id,
        resource_name=resource_name,
        account_id="1234567890123456",
        group="production",
        dimensions={"instanceId": resource_id or "", "userId": "1234567890123456"},
        fields={
            "alertName": name or "",
            "alertState": "ALERT",
            "curValue": value_text or "",
            "dimensions": f"{{instanceId={resource_id}, userId=1234567890123456}}",
            "expression": "$Average>=90",
            "instanceName": resource_name or "",
            "metricName": metric,
            "namespace": namespace,
            "regionId": region or "",
            "timestamp": str(opened_at),
        },
    )
    row = StoredAlert(
        id=number * 10, received_at=incident.last_at, incident_id=number, deliveries=1, late=False, alert=alert
    )
    return StoredIncident(incident=incident, alert=row)


@dataclass
class FakeIncidents:
    """Implements `IncidentQueries`. `readable` is whether the log can be read."""

    kept: dict[int, StoredIncident] = field(default_factory=dict)
    unconfirmed_ids: set[int] = field(default_factory=set)
    kept_gaps: list[Gap] = field(default_factory=list)
    readable: bool = True
    own_commands: tuple[CustomCommand, ...] = ()
    queried_ids: list[tuple[int, ...]] = field(default_factory=list)

    def keep(self, *incidents: StoredIncident) -> list[int]:
        """Put incidents into the log. Return their ids."""
        self.kept.update((one.incident.id, one) for one in incidents)
        return [one.incident.id for one in incidents]

    def change(self, number: int, *, closed_at: Millis | None = None, level: Level | None = None) -> int:
        """Change an incident as another alert would. Return its id."""
        old = self.kept[number]
        incident = old.incident._replace(alerts=old.incident.alerts + 1)
        if level is not None:
            incident = incident._replace(level=level)
        if closed_at is not None:
            incident = incident._replace(closed_at=closed_at, closed_by=Change.RECOVERED, level=Level.OK)
        self.kept[number] = replace(old, incident=incident)
        return number

    def open(self) -> Sequence[StoredIncident] | None:
        return self._open() if self.readable else None

    def _open(self) -> list[StoredIncident]:
        rows = [one for one in self.kept.values() if one.incident.open]
        return sorted(rows, key=lambda one: (-one.incident.opened_at, -one.incident.id))

    def worst_open(self, *, limit: int) -> Sequence[StoredIncident]:
        return sorted(self._open(), key=lambda one: -one.incident.level.rank)[:limit]

    def closed(self, *, before: StoredIncident | None, limit: int) -> Sequence[StoredIncident] | None:
        if not self.readable:
            return None
        rows = sorted((one for one in self.kept.values() if not one.incident.open), key=_closed_rank)
        if before is not None:
            rows = [one for one in rows if _closed_rank(one) > _closed_rank(before)]
        return rows[:limit]

    def by_ids(self, ids: Sequence[int]) -> Sequence[StoredIncident] | None:
        self.queried_ids.append(tuple(ids))
        if not self.readable:
            return None
        return [self.kept[number] for number in ids if number in self.kept]

    def alerts_of(self, incident_id: int, *, limit: int) -> Sequence[StoredAlert]:
        one = self.kept[incident_id]
        count = min(limit, one.incident.alerts)
        return [replace(one.alert, id=one.alert.id - n, received_at=one.alert.received_at - n) for n in range(count)]

    def gaps(self, *, limit: int) -> Sequence[Gap] | None:
        return self.kept_gaps[:limit] if self.readable else None

    def unconfirmed(self, incident: StoredIncident) -> bool:
        return incident.incident.id in self.unconfirmed_ids

    def sender_text(self, alert: StoredAlert) -> str | None:
        return None if alert.id % 20 else Phrase("Cloud Monitor ({address})", address="106.11.34.5")

    def console_links(self, incident: StoredIncident) -> Sequence[ConsoleLink]:
        number = incident.alert.alert.resource_id
        if not number:
            return ()
        best = f"https://ecs.console.aliyun.com/server/{number}/detail"
        chart = f"https://cloudmonitor.console.aliyun.com/productMonitorChart?id={number}"
        return (
            ConsoleLink(page="instance", title=Phrase("Instance page"), url=best, grade="B"),
            ConsoleLink(page="chart", title=Phrase("Metric chart"), url=chart, grade="A"),
        )

    def commands(self, incident: StoredIncident) -> Sequence[FilledCommand]:
        return [fill_command(command, incident.alert.alert) for command in self.own_commands]


@dataclass
class FakeProgram:
    """Implements `ProgramQueries`, with a clock that stands still.

    `proved_for` is the number of milliseconds for which a probe counts as a proof.
    """

    incidents: FakeIncidents = field(default_factory=FakeIncidents)
    language: Language = Language.EN
    language_choice: str = "auto"
    overlay_mode: str = "auto"
    help_topic: str | None = None
    clock: Millis = NOON
    reach_state: ReachabilityState = field(default_factory=ReachabilityState)
    tunnel_state: TunnelState = field(default_factory=TunnelState)
    proved_for: Millis = MINUTE
    url_changed: UrlChanged | None = None
    storing: bool = True
    problems: tuple[str, ...] = ()
    news: tuple[str, ...] = ()
    uncertainty: str | None = None
    secret_guesses: str | None = None
    last_callback_at: Millis | None = None
    paused_until: Millis | None = None
    memory: dict[str, Any] = field(default_factory=dict)

    def now(self) -> Millis:
        return self.clock

    def state(self) -> ProgramState:
        levels = [one.incident.level for one in self.incidents.kept.values() if one.incident.open]
        reach = self.reach_state
        return ProgramState(
            open_incidents=len(levels),
            worst=worst(*levels) if levels else None,
            last_callback_at=self.last_callback_at,
            reachability=reach.reach,
            open_by_level={level: levels.count(level) for level in set(levels)},
            reachability_since=reach.since,
            reachability_reason=reach.why,
            reachable_at=reach.reachable_at,
            proved_until=None if reach.reachable_at is None else reach.reachable_at + self.proved_for,
            url_changed=self.url_changed,
            storing=self.storing,
            paused_until=self.paused_until,
            problems=self.problems,
            news=self.news,
            uncertainty=self.uncertainty,
            log_unreadable=not self.incidents.readable,
            secret_guesses=self.secret_guesses,
        )

    def set_reachability(self, reach: Reachability, *, since: Millis | None = None, reason: str | None = None) -> None:
        """Set the reachability. REACHABLE counts as proved at the present time."""
        at = self.now() if reach is Reachability.REACHABLE else None
        self.reach_state = ReachabilityState(
            reach=reach, since=since, why=reason, public_url="https://a.example.com", reachable_at=at
        )

    def tunnel(self) -> TunnelState:
        return self.tunnel_state

    def recall(self, name: str) -> Any:
        return self.memory.get(name)

    def remember(self, name: str, value: Any) -> None:
        self.memory[name] = value


@dataclass
class FakeSetup:
    """Implements `SetupActions`."""

    program: FakeProgram = field(default_factory=FakeProgram)
    checks: tuple[Check, ...] = (
        Check(name=Phrase("Door"), verdict=Verdict.OK, said=Phrase("open on {url}", url="127.0.0.1:8765")),
    )
    address: str = "127.0.0.1:8765"
    chosen: ChosenIngress | None = None
    ingress_problem: str | None = None
    autostart: bool | None = False
    autostart_problem: str | None = None
    probes: int = 0
    samples_sent: int = 0

    def callback_url(self) -> str:
        return "http://127.0.0.1:8765/hook/secret"

    def public_url(self) -> str | None:
        return self.program.reach_state.public_url

    def listener_address(self) -> str:
        return self.address

    def readiness_checks(self) -> Sequence[Check]:
        return self.checks

    def probe(self) -> None:
        self.probes += 1

    def ingress(self) -> ChosenIngress | None:
        return self.chosen

    def choose_ingress(self, chosen: ChosenIngress) -> str | None:
        if self.ingress_problem is None:
            self.chosen = chosen
        return self.ingress_problem

    def accept_url(self) -> None:
        self.program.url_changed = None

    def send_sample(self) -> None:
        self.samples_sent += 1

    def autostart_enabled(self) -> bool | None:
        return self.autostart

    def set_autostart(self, enabled: bool) -> str | None:
        if self.autostart_problem is None:
            self.autostart = enabled
        return self.autostart_problem


@dataclass
class FakeActions:
    """Implements `UserActions`. The requested actions are recorded in lists."""

    incidents: FakeIncidents = field(default_factory=FakeIncidents)
    program: FakeProgram = field(default_factory=FakeProgram)
    browser_works: bool = True
    command_problem: str | None = None
    language_problem: str | None = None
    opened_urls: list[str] = field(default_factory=list)
    ran: list[tuple[str, ...]] = field(default_factory=list)
    resolved: list[int] = field(default_factory=list)
    quits: int = 0

    def open_url(self, url: str) -> bool:
        self.opened_urls.append(url)
        return self.browser_works

    def run_command(self, command: FilledCommand) -> str | None:
        self.ran.append(command.arguments)
        return self.command_problem

    def resolve(self, incident_id: int) -> None:
        self.resolved.append(incident_id)
        one = self.incidents.kept[incident_id]
        self.incidents.kept[incident_id] = replace(one, incident=resolve(one.incident, now=self.program.clock))

    def pause_notifications(self, until: Millis | None) -> None:
        self.program.paused_until = until

    def choose_language(self, choice: str) -> str | None:
        if self.language_problem is None:
            self.program.language_choice = choice
            self.program.language = Language.ZH if choice == "zh" else Language.EN
        return self.language_problem

    def dismiss_news(self) -> None:
        self.program.news = ()

    def quit(self) -> None:
        self.quits += 1


@dataclass(frozen=True, kw_only=True)
class FakeBackend(Backend):
    """A backend that connects the four doubles, so that an action on one double shows in the other doubles."""

    incidents: FakeIncidents = field(default_factory=FakeIncidents)
    program: FakeProgram = field(default_factory=FakeProgram)
    setup: FakeSetup = field(default_factory=FakeSetup)
    actions: FakeActions = field(default_factory=FakeActions)

    def __post_init__(self) -> None:
        self.program.incidents = self.actions.incidents = self.incidents
        self.setup.program = self.actions.program = self.program


def _closed_rank(one: StoredIncident) -> tuple[int, int]:
    return -(one.incident.closed_at or 0), -one.incident.id


HOSTILE = '<img src="file:///etc/passwd"><table><tr><td>& \u202etxt.exe\u202c\u200b <b>bold</b>\nsecond line'


def varied(now: Millis) -> list[StoredIncident]:
    """Return incidents as they may occur on a bad day, some of them with hostile or extreme values."""
    return [
        stored(1, opened_at=now - 3 * MINUTE, alerts=4),
        stored(
            2,
            opened_at=now - 41 * MINUTE,
            level=Level.WARN,
            name="API网关_返回码4XX个数",
            metric="code4XX",
            metric_title="返回码4XX个数",
            value=1874.0,
            value_text="1874",
            unit="个",
            resource_id="api-5d1f",
            resource_name="订单服务-网关",
            region="cn-shanghai",
        ),
        stored(
            3,
            opened_at=now - 2 * HOUR,
            level=Level.INFO,
            name="RDS connections",
            metric="ConnectionUsage",
            metric_title=None,
            value=61.2,
            value_text="61.2",
            resource_id="rm-bp1q",
            resource_name="orders-db",
        ),
        stored(
            4,
            opened_at=now - 5 * HOUR,
            level=Level.INFO,
            no_data=True,
            name="磁盘使用率",
            metric="diskusage_utilization",
            value=None,
            value_text=None,
        ),
        stored(
            5,
            opened_at=now - 30 * HOUR,
            level=Level.WARN,
            name="CLB 7层 丢弃连接数 (持续 5 分钟, 生产环境, 所有监听器, 华东1 与 华东2)",
            metric="DropConnection",
            resource_id="lb-bp1zzzzzzzzzzzzzzzz",
            resource_name="clb-production-frontend-hangzhou",
            unit="Count/Second",
            value=12.333333333333334,
            value_text="12.333333333333334",
        ),
        stored(6, opened_at=now - 90 * MINUTE, name=HOSTILE, resource_name="a & b <script>", level=Level.WARN),
        stored(
            7,
            opened_at=now - 10 * MINUTE,
            name="Redis 内存 (no link)",
            resource_id=None,
            resource_name=None,
            region=None,
            level=Level.CRITICAL,
            metric="MemoryUsage",
            value=99.9999999,
            value_text="99.9999999",
        ),
        stored(
            8,
            opened_at=now - 55 * HOUR,
            level=Level.CRITICAL,
            name="PolarDB CPU",
            metric="cluster_cpu_utilization",
            metric_title="CPU使用率",
            alerts=211,
            resource_id="pc-bp1wwwwwwww",
            resource_name="polar-main",
        ),
        stored(9, opened_at=now - 4 * HOUR, closed_at=now - 3 * HOUR, name="CPU使用率"),
        stored(
            10,
            opened_at=now - 26 * HOUR,
            closed_at=now - 25 * HOUR,
            closed_by=Change.SUPERSEDED,
            name="OSS 流量",
            metric="MeteringInternetTX",
            unit="byte",
            value=93847562398.0,
            value_text="93847562398",
        ),
        stored(
            11,
            opened_at=now - 6 * HOUR,
            closed_at=now - 6 * HOUR,
            start_known=False,
            name="MongoDB 连接数",
            level=Level.WARN,
        ),
        stored(
            12,
            opened_at=now - 9 * HOUR,
            closed_at=now - 2 * HOUR,
            closed_by=Change.RESOLVED,
            name="磁盘读IOPS",
            level=Level.WARN,
        ),
        stored(
            13,
            opened_at=now - 50 * HOUR,
            closed_at=now - 26 * HOUR,
            closed_by=Change.EXPIRED,
            name=None,
            level=Level.WARN,
            resource_id=None,
            resource_name=None,
            value=None,
            value_text=None,
            metric_title=None,
            metric="",
        ),
        stored(14, opened_at=now - 20 * MINUTE, closed_at=now - 8 * MINUTE, name="内存使用率", resource_name="web-02"),
        stored(
            15, opened_at=now - 400 * 24 * HOUR, closed_at=now - 399 * 24 * HOUR, name="Old one", resource_name="web-00"
        ),
    ]
