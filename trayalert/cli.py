"""The command line: the contract for scripts. A front end is imported only when it is asked for.

Machine output is JSON on stdout, errors are sentences on stderr. Exit status: 0 done, 1 failed, 2 wrong use.
"""

import contextlib
import io
import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, NoReturn

import click

from trayalert import __version__
from trayalert.app.places import Places, find_places, read_settings
from trayalert.domain.fault import Fault
from trayalert.domain.times import read_age, read_moment

if TYPE_CHECKING:  # read the log only where a command does
    from trayalert.app.receiver import Plan
    from trayalert.domain.settings import Settings
    from trayalert.storage.reader import Reader

_Command = Callable[..., Any]
_LARGEST_NUMBER = 2**63 - 1


def _data_dir(command: _Command) -> _Command:
    def keep(context: click.Context, _: click.Parameter, value: str | None) -> str | None:
        if value is not None:
            context.find_root().meta["data_dir"] = value
        return value

    return click.option(
        "--data-dir",
        metavar="DIR",
        callback=keep,
        expose_value=False,
        help="Keep settings, log, secrets and lock in this folder (also TRAYALERT_DATA_DIR).",
    )(command)


def _address(command: _Command) -> _Command:
    command = click.option("--port", type=click.IntRange(0, 65535), help="Port to listen on; 0 picks a free one.")(
        command
    )
    return click.option("--host", help="Address to listen on; 127.0.0.1 by default.")(command)


def _json_option(command: _Command) -> _Command:
    return click.option("--json", "as_json", is_flag=True, help="Machine output.")(command)


def _places() -> Places:
    meta = click.get_current_context().find_root().meta
    return find_places(meta.get("data_dir") or os.environ.get("TRAYALERT_DATA_DIR"))


def _fail(text: object) -> NoReturn:
    click.echo(f"trayalert: {text}", err=True)
    sys.exit(1)


def _settings(places: Places) -> "Settings":
    settings, problems = read_settings(places)
    for problem in problems:
        click.echo(f"trayalert: {problem}", err=True)
    return settings


def _speak_utf8() -> None:
    """Machine output is UTF-8, whatever people read here."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(encoding="utf-8", errors="backslashreplace")


class _Group(click.Group):
    """Tells the world's faults in one sentence; a traceback is for a fault of ours."""

    def invoke(self, ctx: click.Context) -> Any:
        for stream in (sys.stdout, sys.stderr):
            if isinstance(stream, io.TextIOWrapper):
                stream.reconfigure(errors="backslashreplace")  # what a terminal of one language cannot show
        try:
            return super().invoke(ctx)
        except Fault as fault:
            _fail(fault)
        except BrokenPipeError:  # `trayalert alerts | head` has seen enough
            sys.stderr.close()
            os._exit(0)
        except OSError as error:  # a full disk under stdout, a folder that may not be entered
            click.echo(f"trayalert: {error}", err=True)
            sys.stderr.flush()
            os._exit(1)  # a flush of what stdout did not take would fail once more


@click.group(cls=_Group, invoke_without_command=True, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, message="trayalert %(version)s")
@_data_dir
@_address
@click.pass_context
def main(context: click.Context, host: str | None, port: int | None) -> None:
    """One admin's alert desk for Alibaba Cloud Monitor. With no command: the tray application."""
    if context.invoked_subcommand is not None:
        if host is not None or port is not None:
            raise click.UsageError("--host and --port belong to `trayalert` itself and to `trayalert serve`.")
        return
    from trayalert.app import screen

    problem = screen.problem()
    if problem:
        click.echo(f"trayalert: {problem} To receive without one, run: trayalert serve", err=True)
        sys.exit(2)
    with _owned("tray", host, port) as plan:
        import trayalert.ui  # noqa: F401 - before all else that brings Qt in: it makes Qt's start lighter
        from trayalert.app.desktop import run_desktop

        sys.exit(run_desktop(plan))


@main.command()
@_data_dir
@_address
def serve(host: str | None, port: int | None) -> None:
    """Receive and keep callbacks with no window and no tray."""
    from trayalert.app.headless import serve as receive

    with _owned("serve", host, port) as plan:
        receive(plan)


@contextlib.contextmanager
def _owned(front: str, host: str | None, port: int | None) -> Iterator["Plan"]:
    """Own the data dir and plan the receiver. A second tray raises the window of the first and is done."""
    from dataclasses import replace

    from trayalert.app.control import ControlFault, ask
    from trayalert.app.logging_setup import log_to_stderr
    from trayalert.app.ownership import OwnedError, owning
    from trayalert.app.receiver import Plan
    from trayalert.services.secrets import Secrets

    places = _places()
    places.make()
    settings, problems = read_settings(places)
    for problem in problems:
        click.echo(f"trayalert: {problem}", err=True)
    if host is not None:
        settings = replace(settings, host=host)
    if port is not None:
        settings = replace(settings, port=port)
    try:
        with owning(places.lock, front):
            secrets = Secrets(places.secrets)
            log_to_stderr(secrets.mask)
            yield Plan(places=places, settings=settings, problems=problems, secrets=secrets, front=front)
    except OwnedError as owned:
        if front == "tray" and owned.owner and owned.owner.front == "tray":
            with contextlib.suppress(ControlFault):
                answer = _patiently(lambda: ask(places.socket, {"do": "show"}))
                if answer and answer.get("done"):
                    click.echo("trayalert runs already; its window is shown.")
                    sys.exit(0)
        _fail(f"{owned}: {places.data_dir}. End it, or name another --data-dir.")


def _patiently(ask: Callable[[], dict[str, Any] | None]) -> dict[str, Any] | None:
    """Ask again for a few seconds: who owns the data dir may just be starting."""
    for pause in (0.1, 0.2, 0.4, 0.8, 1.6):
        answer = ask()
        if answer is not None:
            return answer
        time.sleep(pause)
    return ask()


@main.command()
@_data_dir
@click.option("--rotate", is_flag=True, help="Make a new secret.")
@click.option("--grace", default="24h", show_default=True, metavar="DURATION", help="How long the old one holds on.")
def url(rotate: bool, grace: str) -> None:
    """Print the callback URL, secret included, for Cloud Monitor's rules."""
    from trayalert.app.control import ask
    from trayalert.services.secrets import Secrets
    from trayalert.services.status import callback_url

    length = read_age(grace)
    if length is None:
        raise click.BadParameter(f'"{grace}" is no length of time; write 90s, 30m, 24h, 7d or 2w', param_hint="--grace")
    places = _places()
    places.make()
    settings = _settings(places)
    if rotate:
        answer = ask(places.socket, {"do": "rotate", "grace": length})
        if answer is None:
            from trayalert.app.clock import now

            with _alone(places):
                Secrets(places.secrets).rotate(grace=length, now=now())
        elif not answer.get("done"):
            _fail(answer.get("error"))
    host, port = settings.host, settings.port
    running = (ask(places.socket, {"do": "status"}) or {}).get("running")
    if running:
        host, port = running["door"]["host"], running["door"]["port"]
    if not port and settings.public_url is None:
        _fail(f"port = 0 in {places.settings} picks a free port at each start: start trayalert, then ask again.")
    click.echo(callback_url(settings, host, port, Secrets(places.secrets).present))


@contextlib.contextmanager
def _alone(places: Places) -> Iterator[None]:
    """Own the data dir for one change, as no instance runs that could be asked."""
    from trayalert.app.ownership import OwnedError, owning

    try:
        with owning(places.lock, click.get_current_context().info_name or ""):
            yield
    except OwnedError as owned:
        _fail(f"{owned} and does not answer: {places.data_dir}. End it first.")


@main.command()
@_data_dir
@_json_option
def status(as_json: bool) -> None:
    """Say how the program and its log are."""
    from trayalert.app.control import ask
    from trayalert.services.status import NO_TOTALS, read_running
    from trayalert.services.status import status as compose

    places = _places()
    settings, problems = read_settings(places)
    answer = ask(places.socket, {"do": "status"})
    running = None
    if answer and "running" in answer:
        running = read_running(answer["running"])
    with _reader(places) as reader:
        totals = reader.totals() if reader else NO_TOTALS
    state = compose(settings=settings, problems=problems, totals=totals, running=running, data_dir=str(places.data_dir))
    if as_json:
        _speak_utf8()
        click.echo(json.dumps(state, ensure_ascii=False))
        return
    from trayalert.services.tables import status_lines

    for line in status_lines(state):
        click.echo(line)


@contextlib.contextmanager
def _reader(places: Places) -> "Iterator[Reader | None]":
    """Open the log for reading; None where there is none yet."""
    from trayalert.storage.faults import NoLog
    from trayalert.storage.reader import Reader

    try:
        reader = Reader(places.log)
    except NoLog:
        yield None
        return
    try:
        yield reader
    finally:
        reader.close()


@main.command()
@_data_dir
@_json_option
@click.option("--limit", type=click.IntRange(0, _LARGEST_NUMBER), default=100, show_default=True)
@click.option(
    "--after", type=click.IntRange(0, _LARGEST_NUMBER), metavar="ID", help="Those behind this one, oldest first."
)
@click.option("--search", metavar="TEXT", help="Those with this text in them.")
@click.option("--raw", is_flag=True, help="With the body as it came (base64; with --json).")
def alerts(as_json: bool, limit: int, after: int | None, search: str | None, raw: bool) -> None:
    """List alerts, the newest first."""
    from trayalert.services.links import link_table
    from trayalert.services.records import alert_record

    places = _places()
    links = link_table(_settings(places))
    with _reader(places) as reader:
        found = reader.alerts(limit=limit, after=after, search=search, raw=raw) if reader else ()
        if as_json:
            _speak_utf8()
            for stored in found:
                click.echo(json.dumps(alert_record(stored, links), ensure_ascii=False))
            return
        from trayalert.services.tables import alert_lines

        for line in alert_lines(found):
            click.echo(line)


@main.command()
@_data_dir
@_json_option
@click.option("--open", "only_open", is_flag=True, help="Only what still burns.")
def incidents(as_json: bool, only_open: bool) -> None:
    """List incidents, the newest first."""
    from trayalert.app.clock import now
    from trayalert.services.links import link_table
    from trayalert.services.records import incident_record, mute_period

    places = _places()
    settings = _settings(places)
    links = link_table(settings)
    with _reader(places) as reader:
        found = reader.every_incident(only_open=only_open) if reader else ()
        if as_json:
            _speak_utf8()
            for stored in found:
                record = incident_record(stored, links, now=now(), mute_period=mute_period(settings))
                click.echo(json.dumps(record, ensure_ascii=False))
            return
        from trayalert.services.tables import incident_lines

        for line in incident_lines(found, now=now(), mute_period=mute_period(settings)):
            click.echo(line)


@main.command()
@_data_dir
@click.argument("number", metavar="ID", type=click.IntRange(1, _LARGEST_NUMBER))
def resolve(number: int) -> None:
    """Mark an incident recovered by hand, as its OK was lost."""
    from trayalert.app.clock import now
    from trayalert.app.control import ask
    from trayalert.services.inbox import resolve_alone

    places = _places()
    with _reader(places) as reader:
        stored = next(iter(reader.incidents([number])), None) if reader else None
    if stored is None:
        _fail(f"there is no incident {number}. `trayalert incidents` lists them.")
    answer = ask(places.socket, {"do": "resolve", "id": number}) if stored.incident.open else {"done": False}
    if answer is None:
        with _alone(places):
            answer = {"done": resolve_alone(places.log, number, now=now())}
    if "error" in answer:
        _fail(answer["error"])
    click.echo(f"incident {number} is marked recovered" if answer["done"] else f"incident {number} was closed already")


@main.command()
@_data_dir
@click.option("--sample", metavar="NAME", help="A sample (--list); ecs-cpu where nothing is named.")
@click.option("--list", "list_samples", is_flag=True, help="List the samples.")
@click.option("--recover", is_flag=True, help="Send the OK that belongs to it.")
@click.option("--keep-time", is_flag=True, help="Keep the body's own time, instead of the present one.")
@click.option("--url", "target", metavar="URL", help="Send there, instead of to the instance of the data dir.")
@click.option("--count", type=click.IntRange(1, 1_000_000), default=1, show_default=True)
@click.option(
    "--rate", type=click.FloatRange(0, min_open=True), help="Callbacks per second; as fast as can be by default."
)
@click.argument("file", required=False, type=click.Path(exists=True, dir_okay=False, allow_dash=True))
def send(
    sample: str | None,
    list_samples: bool,
    recover: bool,
    keep_time: bool,
    target: str | None,
    count: int,
    rate: float | None,
    file: str | None,
) -> None:
    """Play Cloud Monitor: send a callback as it does, form-encoded, with its headers and its retries."""
    from trayalert.app.sending import own_url, play
    from trayalert.services.sender import sample_names, sample_text

    if list_samples:
        for name in sample_names():
            click.echo(name)
        return
    if sample and file:
        raise click.UsageError("either --sample or a FILE, not both")
    if file:
        with click.open_file(file, "rb") as stream:
            content = stream.read()
    else:
        content = sample_text(sample or "ecs-cpu")
    sys.exit(
        play(
            target or own_url(_places()),
            content,
            recover=recover,
            keep_time=keep_time,
            count=count,
            rate=rate,
            say=click.echo,
            complain=lambda text: click.echo(f"trayalert: {text}", err=True),
        )
    )


@main.command()
@_data_dir
@click.option("--format", "form", type=click.Choice(["csv", "json"]), required=True)
@click.option(
    "-o", "--output", metavar="FILE", type=click.Path(dir_okay=False), help="Write there, instead of to stdout."
)
@click.option(
    "--since", metavar="TIME", help="From this arrival on: 2026-11-23, 2026-11-23T08:00, or an age such as 24h."
)
@click.option("--until", metavar="TIME", help="Up to this arrival.")
def export(form: str, output: str | None, since: str | None, until: str | None) -> None:
    """Write alerts out as CSV, or as JSON with one object a line; the oldest first."""
    from trayalert.services.export import write_alerts
    from trayalert.services.links import link_table

    _speak_utf8()
    bounds = _moment(since, "--since", 0), _moment(until, "--until", _LARGEST_NUMBER)
    places = _places()
    links = link_table(_settings(places))
    with _reader(places) as reader:
        found = reader.alerts_between(*bounds) if reader else iter(())
        try:
            count = write_alerts(found, links, form=form, output=output)
        except BrokenPipeError:
            raise
        except OSError as error:
            _fail(f"{output or 'stdout'} cannot be written: {error.strerror or error}")
    if output:
        click.echo(f"{count} alerts written to {output}", err=True)


def _moment(text: str | None, option: str, otherwise: int) -> int:
    from trayalert.app.clock import now

    if text is None:
        return otherwise
    moment = read_moment(text, now=now())
    if moment is None:
        raise click.BadParameter(f'"{text}" is no time; write 2026-11-23, 2026-11-23T08:00 or 24h', param_hint=option)
    return moment
