"""The settings: a TOML file that the admin edits.

All problems in the file are reported. If a value is wrong, the default of its setting is used instead.
"""

import ipaddress
import re
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any

from trayalert.domain.incident.console_link import REGION_ID, Site
from trayalert.domain.phrase import N_, Phrase
from trayalert.domain.settings.custom_command import CustomCommand, read_commands
from trayalert.domain.settings.custom_links import read_console_links
from trayalert.domain.settings.expected_callback import ExpectedCallback, read_expected
from trayalert.domain.settings.ingress import read_public_url
from trayalert.domain.settings.setting_value import (
    Reader,
    SettingError,
    checked,
    is_hours,
    matching,
    one_of,
    optional,
    whole_number,
)
from trayalert.domain.settings.tunnel_presets import public_url_problem
from trayalert.domain.settings.tunnel_table import read_tunnel
from trayalert.domain.text import as_written, printable, suggestion
from trayalert.domain.tunnel import Tunnel


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """All settings, with their defaults."""

    host: str = "127.0.0.1"
    port: int = 8765
    public_url: str | None = None
    site: Site = Site.CHINA
    default_region: str | None = None
    language: str = "auto"
    unconfirmed_after_hours: float = 25.0
    allowed_hosts: tuple[str, ...] = ()
    trusted_proxies: tuple[str, ...] = ()
    only_cloud_monitor: bool = False
    more_cloud_monitor_addresses: tuple[str, ...] = ()
    tls_certificate: str | None = None
    tls_key: str | None = None
    keep_days: int = 400
    keep_megabytes: int = 1024
    backups: int = 7
    console_links: Mapping[str, str] = field(default_factory=dict)
    commands: tuple[CustomCommand, ...] = ()
    probe_seconds: int = 60
    tunnel: Tunnel | None = None
    expected: tuple[ExpectedCallback, ...] = ()
    metrics_port: int | None = None
    strip: str = "auto"


LANGUAGES = ("auto", "en", "zh")
OVERLAY_MODES = ("auto", "always", "never")
_NOT_SET = N_("{name} = {value}: {wrong}; it is taken as not set.")
_DEFAULT_HOLDS = N_("{name} = {value}: {wrong}; {default} holds instead.")


def parse_settings(text: str) -> tuple[Settings, tuple[str, ...]]:
    """Parse the text of the settings file. Return the settings, and a sentence for each problem."""
    try:
        table = tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        reason: str = Phrase("a number in it is too long, or its brackets are too deep")
        if isinstance(error, tomllib.TOMLDecodeError):
            reason = printable(str(error))
        problem = Phrase("it is not TOML: {reason}. Nothing in it was used; the defaults hold.", reason=reason)
        return Settings(), (problem,)
    values: dict[str, Any] = {}
    problems: list[str] = []
    for name, value in table.items():
        if name in _TABLE_READERS:
            values[name], wrong_lines = _TABLE_READERS[name](value)
            problems += wrong_lines
            continue
        read = _READERS.get(name)
        if read is None:
            problems.append(_unknown_problem(name))
            continue
        try:
            values[name] = read(value)
        except SettingError as wrong:
            default = next(one.default for one in fields(Settings) if one.name == name)
            fallback = _NOT_SET if default in (None, ()) else _DEFAULT_HOLDS
            values_shown = {"value": as_written(value), "default": as_written(default, bare=True)}
            problems.append(Phrase(fallback, name=name, wrong=wrong, **values_shown))
    if (values.get("tls_certificate") is None) != (values.get("tls_key") is None):
        problems.append(Phrase("tls_certificate and tls_key belong together: name both files, or neither. TLS is off."))
        values.update(tls_certificate=None, tls_key=None)
    found = replace(Settings(), **values)
    if found.tunnel is not None and (wrong_line := public_url_problem(found.tunnel, found.public_url)):
        problems.append(wrong_line)
    return found, tuple(problems)


def _unknown_problem(name: str) -> str:
    guess = suggestion(name, [*_READERS, *_TABLE_READERS])
    written = as_written(name)
    if guess:
        return Phrase("{name} is no setting; {guess}", name=written, guess=guess)
    return Phrase("{name} is no setting.", name=written)


def _public_url(value: object) -> str:
    found = read_public_url(value) if isinstance(value, str) else None
    if found is None:
        raise SettingError(
            Phrase('must be an address such as "https://alerts.example.com", with no query and no secret in it')
        )
    return found


def _hours(value: object) -> float:
    if not is_hours(value):
        raise SettingError(Phrase("must be a number of hours above 0, such as 25"))
    return float(value)


def _host_list(value: object) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(
        isinstance(item, str) and re.fullmatch(r"[A-Za-z0-9.:_\[\]-]{1,255}", item) for item in value
    ):
        raise SettingError(Phrase('must be a list of host names, such as ["alerts.example.com"]'))
    return tuple(_bracketed_host(item.lower()) for item in value)


def _bracketed_host(host: str) -> str:
    """Return the host, with brackets around an IPv6 address."""
    return f"[{host}]" if host.count(":") > 1 and not host.startswith("[") else host


def _network_list(value: object) -> tuple[str, ...]:
    wrong = SettingError(Phrase('must be a list of addresses or networks, such as ["127.0.0.1", "10.0.0.0/8"]'))
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise wrong
    try:
        return tuple(str(_unmapped_network(ipaddress.ip_network(item, strict=False))) for item in value)
    except ValueError as error:
        raise wrong from error


def _unmapped_network(
    network: ipaddress.IPv4Network | ipaddress.IPv6Network,
) -> ipaddress.IPv4Network | ipaddress.IPv6Network:
    """Return an IPv4-mapped IPv6 network as an IPv4 network, and any other network unchanged."""
    mapped = getattr(network.network_address, "ipv4_mapped", None)
    if mapped is None or network.prefixlen < 96:
        return network
    return ipaddress.ip_network((mapped, network.prefixlen - 96))


_FILE = checked(
    lambda value: isinstance(value, str) and value.isprintable(),
    N_('the path of a file, such as "/etc/ssl/alerts.pem"'),
)
_PORT = whole_number(0, 65535, zero=N_("0 picks a free port"))
_READERS: dict[str, Reader] = {
    "host": matching(r"[A-Za-z0-9.:_%-]{1,255}", N_('a host name or an address, such as "127.0.0.1"')),
    "port": _PORT,
    "public_url": optional(_public_url),
    "site": one_of(Site, N_('"china" or "international"')),
    "default_region": optional(matching(REGION_ID, N_('a region id such as "cn-hangzhou"'))),
    "language": one_of(LANGUAGES, N_('"auto", "en" or "zh"')),
    "unconfirmed_after_hours": _hours,
    "allowed_hosts": _host_list,
    "trusted_proxies": _network_list,
    "only_cloud_monitor": checked(lambda value: isinstance(value, bool), N_("true or false")),
    "more_cloud_monitor_addresses": _network_list,
    "tls_certificate": optional(_FILE),
    "tls_key": optional(_FILE),
    "keep_days": whole_number(1, 36500, of=N_("days")),
    "keep_megabytes": whole_number(8, 1_000_000, of=N_("megabytes")),
    "backups": whole_number(1, 365, of=N_("daily backups")),
    "probe_seconds": whole_number(5, 3600, of=N_("seconds"), zero=N_("0: no probes, reach stays unknown")),
    "metrics_port": optional(_PORT),
    "strip": one_of(OVERLAY_MODES, N_('"auto" (where there is no tray), "always" or "never"')),
}

_TABLE_READERS: dict[str, Callable[[object], tuple[Any, tuple[str, ...]]]] = {
    "console_links": read_console_links,
    "commands": read_commands,
    "tunnel": read_tunnel,
    "expected": read_expected,
}
"""Parsers for whole tables.

Each parser returns the value of its table, and a sentence for each problem in the table.
"""
