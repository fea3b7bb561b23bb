"""The kinds of tunnel programs: how a program is started, what it prints when it is up, and what its errors mean.

No secret is ever passed as an argument of a program, because every user of the computer can read the arguments.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from trayalert.domain.incident.console_link import PLACEHOLDER
from trayalert.domain.listener_state import ListenerAddress, bracketed
from trayalert.domain.phrase import N_, Phrase
from trayalert.domain.tunnel import Tunnel


@dataclass(frozen=True, slots=True, kw_only=True)
class TunnelPreset:
    """What is known about one kind of tunnel.

    The fields decide when a tunnel is up:

    - With `ready`: the tunnel's address is known, and `settle_seconds` have passed since an output line matched
      `ready`.
    - With `url_pattern` and without `ready`: the tunnel's address was found in the output.
    - With neither pattern: `settle_seconds` have passed since the program was started.
    """

    title: str
    """The name of the tunnel service or program, as the user sees it."""
    note: str
    """A phrase in which the setup assistant describes this kind of tunnel."""
    program: str
    """The name of the program, or an empty string if only the admin's settings name the program."""
    install_hint: str
    """A sentence that says where to get the program."""
    arguments: Callable[[Tunnel, ListenerAddress], tuple[str, ...]]
    """Returns the arguments to start the program with."""
    keys: frozenset[str] = frozenset()
    """The keys that a `[tunnel]` table of this kind may have, in addition to the keys that all kinds share."""
    token_variable: str | None = None
    """The environment variable that passes the token to the program.

    The `[tunnel]` table may name another variable instead.
    """
    url_pattern: re.Pattern[str] | None = None
    """Finds the public address in the program's output. None if the address is fixed and set as `public_url`."""
    warning: str | None = None
    """A sentence that the user sees while a tunnel of this kind is up, or None."""
    ready: re.Pattern[str] | None = None
    """Matches the output line in which the program reports that it has connected. None if there is no such line."""
    settle_seconds: float = 0.0
    failures: tuple[tuple[str, str], ...] = ()
    """Pairs of a pattern and the template of a sentence, which explains the output lines that match the pattern.

    The most informative pairs come first. The patterns are strings, because they are compiled only when needed.
    """
    version_arguments: tuple[str, ...] = ("--version",)
    """The arguments that make the program print its version. Empty if the program must not be run for its version."""


_TOKEN_KEYS = frozenset({"token_file", "token_variable"})
_CHANGING_URL_NOTE = Phrase("for tests: the URL changes at each start")


def _cloudflared(tunnel: Tunnel, listener: ListenerAddress) -> tuple[str, ...]:
    if tunnel.token_file:  # Cloudflare's dashboard configures where the tunnel leads
        return ("tunnel", "--no-autoupdate", *tunnel.arguments, "run")
    return ("tunnel", "--no-autoupdate", *tunnel.arguments, "run", *_origin_arguments(listener), str(tunnel.name))


def _cloudflared_quick(tunnel: Tunnel, listener: ListenerAddress) -> tuple[str, ...]:
    return ("tunnel", "--no-autoupdate", *_origin_arguments(listener), *tunnel.arguments)


def _origin_arguments(listener: ListenerAddress) -> tuple[str, ...]:
    return ("--url", listener.url, *(("--no-tls-verify",) if listener.tls else ()))


def _ngrok(tunnel: Tunnel, listener: ListenerAddress) -> tuple[str, ...]:
    # ngrok does not verify the certificate of the address that it forwards to
    return ("http", "--log=stdout", "--log-format=logfmt", *tunnel.arguments, listener.url)


def _frpc(tunnel: Tunnel, _listener: ListenerAddress) -> tuple[str, ...]:
    return ("-c", str(tunnel.config), *tunnel.arguments)


def _tailscale(tunnel: Tunnel, listener: ListenerAddress) -> tuple[str, ...]:
    scheme = "https+insecure" if listener.tls else "http"
    return ("funnel", "--yes", *tunnel.arguments, f"{scheme}://{listener.authority}")


def _ssh(tunnel: Tunnel, listener: ListenerAddress) -> tuple[str, ...]:
    options = (
        "BatchMode=yes",  # there is no user who could answer a question
        "ExitOnForwardFailure=yes",
        "ServerAliveInterval=5",
        "ServerAliveCountMax=2",
        "ConnectTimeout=10",
        "ControlMaster=no",  # a shared connection ends with the program that opened it
        "ControlPath=none",
        "LogLevel=VERBOSE",  # the lowest level that reports that the server has accepted the login
    )
    return (
        "-N",
        "-T",
        *tunnel.arguments,  # if an option is given twice, ssh uses the first value
        *(part for option in options for part in ("-o", option)),
        *(("-p", str(tunnel.ssh_port)) if tunnel.ssh_port else ()),
        *(("-i", tunnel.identity, "-o", "IdentitiesOnly=yes") if tunnel.identity else ()),
        "-R",
        f"{bracketed(tunnel.remote_host)}:{tunnel.remote_port}:{listener.authority}",
        "--",
        str(tunnel.host),
    )


def _command(tunnel: Tunnel, listener: ListenerAddress) -> tuple[str, ...]:
    fits = {"host": listener.host, "port": str(listener.port), "address": listener.authority}
    filled = (PLACEHOLDER.sub(lambda match: fits[match[1]], part) for part in tunnel.command[1:])
    return (*filled, *tunnel.arguments)


_NO_HOST = "no such host|could not resolve|name or service not known|temporary failure in name resolution"
_CLOUDFLARED_GET = Phrase(
    "Get cloudflared from https://developers.cloudflare.com/cloudflare-one/connections/connect-networks/downloads/"
    " (a .deb is there; Debian itself has none)."
)
_CLOUDFLARED_FAILURES = (
    (
        "tunnel token is not valid|invalid tunnel secret|failed to decode.*token",
        N_("Cloudflare does not know the token"),
    ),
    (
        "unauthorized",
        N_("Cloudflare turns the tunnel away: it was deleted, or its token or credentials are not its own"),
    ),
    (
        "429|too many requests|error code: 1015",
        N_("Cloudflare gives no quick tunnel now, as there were too many requests"),
    ),
    (
        "credentials file|origin certificate|cert\\.pem",
        N_("cloudflared has no credentials: `cloudflared tunnel login`"),
    ),
    ("requires the id or name of the tunnel", N_("cloudflared was given no token and no name of a tunnel")),
    ("address already in use", N_("cloudflared cannot open a port of its own: it is in use")),
    (_NO_HOST, N_("cloudflared cannot look up Cloudflare's names: is there a network?")),
    (
        "failed to dial|no recent network activity|i/o timeout|connection refused|network is unreachable",
        N_("cloudflared does not reach Cloudflare: is there a network, and is port 7844 (UDP or TCP) let out?"),
    ),
)

PRESETS: Mapping[str, TunnelPreset] = {
    "cloudflared": TunnelPreset(
        title="Cloudflare Tunnel",
        note=Phrase("a named tunnel under a domain of your own; its address stays"),
        program="cloudflared",
        install_hint=_CLOUDFLARED_GET,
        arguments=_cloudflared,
        keys=_TOKEN_KEYS | {"name"},
        token_variable="TUNNEL_TOKEN",  # noqa: S106 - the name of a variable
        ready=re.compile("Registered tunnel connection"),
        failures=_CLOUDFLARED_FAILURES,
    ),
    "cloudflared-quick": TunnelPreset(
        title=Phrase("Cloudflare quick tunnel"),
        note=_CHANGING_URL_NOTE,
        program="cloudflared",
        install_hint=_CLOUDFLARED_GET,
        arguments=_cloudflared_quick,
        url_pattern=re.compile(r"https://(?!api\.)[a-z0-9-]{1,63}\.trycloudflare\.com"),
        warning=Phrase("This tunnel is for tests: its URL changes at each start."),
        ready=re.compile("Registered tunnel connection"),
        failures=_CLOUDFLARED_FAILURES,
    ),
    "ngrok": TunnelPreset(
        title="ngrok",
        note=Phrase('its address stays with a domain of the account (arguments = ["--url", "..."])'),
        program="ngrok",
        install_hint=Phrase("Get ngrok from https://ngrok.com/download (Debian itself has none)."),
        arguments=_ngrok,
        keys=_TOKEN_KEYS,
        token_variable="NGROK_AUTHTOKEN",  # noqa: S106 - the name of a variable
        url_pattern=re.compile(r'started tunnel.{0,300}? url="?(https://[^\s"]+)'),
        failures=(
            ("ERR_NGROK_4018", N_("ngrok needs an account: name a token_file with its authtoken")),
            ("ERR_NGROK_10[5-7]\\b|authentication failed", N_("ngrok does not know the authtoken")),
            ("ERR_NGROK_108\\b", N_("another ngrok of this account is running, and the account is allowed no more")),
            ("ERR_NGROK_334\\b", N_("another ngrok of this account has this address already")),
            ("ERR_NGROK_(?:12[01])\\b", N_("this ngrok is too old for its service: update it")),
            ("ERR_NGROK_7\\d\\d\\b", N_("the ngrok account's limit of traffic is used up")),
            (_NO_HOST, N_("ngrok cannot look up its service: is there a network?")),
            ("failed to (?:dial|reconnect)|i/o timeout|connection refused", N_("ngrok does not reach its service")),
        ),
        version_arguments=("version",),
    ),
    "frpc": TunnelPreset(
        title="frp",
        note=Phrase("to a server of your own (frps); its file says where"),
        program="frpc",
        install_hint=Phrase("Get frpc from https://github.com/fatedier/frp/releases (Debian itself has none)."),
        arguments=_frpc,
        keys=_TOKEN_KEYS | {"config"},
        token_variable="FRP_TOKEN",  # noqa: S106 - the name of a variable
        ready=re.compile("start proxy success"),
        failures=(
            ("token in login doesn't match|authorization failed", N_("frps does not know the token")),
            ("port already used|proxy \\[?[^\\]]*\\]? already exists", N_("frps has this port or name in use already")),
            ("port (?:not allowed|unavailable)", N_("frps does not allow this port")),
            ("x509:|certificate", N_("frpc and frps do not agree on TLS")),
            ("(?:open|stat) .*: no such file|cannot find the file", N_("frpc's config file is not there")),
            ("connection refused", N_("the frp server's computer is there, but frps is not")),
            (_NO_HOST, N_("frpc cannot look up the server's name")),
            ("i/o timeout|network is unreachable", N_("frpc does not reach the server")),
        ),
    ),
    "ssh": TunnelPreset(
        title="SSH (ssh -R)",
        note=Phrase("to a server of your own, whose web server passes on to the port there"),
        program="ssh",
        install_hint=Phrase("Get ssh from Debian's package openssh-client, or https://www.openssh.com/."),
        arguments=_ssh,
        keys=frozenset({"host", "ssh_port", "remote_port", "remote_host", "identity"}),
        ready=re.compile(r"Authenticated to "),
        # ssh needs a round trip to the server before it can report that a forward was refused
        settle_seconds=1.0,
        failures=(
            (
                "remote host identification has changed",
                N_("the server has another host key than before: find out why, then `ssh-keygen -R` and ssh {host}"),
            ),
            (
                "remote port forwarding failed",
                N_(
                    "the server refuses port {port}: it is in use there, or its AllowTcpForwarding or PermitListen"
                    " says no"
                ),
            ),
            (
                "host key verification failed",
                N_("the server's host key is not known yet: connect once by hand: ssh {host}"),
            ),
            ("identity file .* not accessible|no such identity", N_("the identity file is not there")),
            (
                "permission denied|too many authentication failures",
                N_("the server does not let in {host} with this key"),
            ),
            ("could not resolve", N_("the server's name cannot be looked up")),
            ("connection refused", N_("the server is there, but its sshd is not")),
            (
                "timed out|timeout, server|no route to host|network is unreachable",
                N_("the server does not answer: it, or the network in between, stands still"),
            ),
            ("connection (?:reset|closed)|broken pipe|closed by", N_("the server closed the connection")),
        ),
        version_arguments=("-V",),
    ),
    "tailscale": TunnelPreset(
        title="Tailscale Funnel",
        note=Phrase("under the computer's name in your tailnet; its address stays"),
        program="tailscale",
        install_hint=Phrase(
            "Get tailscale from https://tailscale.com/download (it has a Debian repository of its own)."
        ),
        arguments=_tailscale,
        url_pattern=re.compile(r"https://[a-z0-9-]{1,63}\.[a-z0-9-]{1,63}\.ts\.net(?::\d{1,5})?"),
        failures=(
            (
                "funnel (?:is )?not (?:enabled|available)|does not have (?:the )?funnel",
                N_("Funnel is not switched on for this tailnet: open the address in the output, or the admin console"),
            ),
            ("access denied", N_("tailscaled lets only root do this: sudo tailscale set --operator=$USER")),
            (
                "logged out|needs ?login|not logged in|tailscale up",
                N_("this computer is not logged in to Tailscale: sudo tailscale up"),
            ),
            (
                "local tailscaled|tailscaled.*running|is tailscale running",
                N_("tailscaled does not run on this computer"),
            ),
            ("already in use|listener already exists", N_("Funnel's port is in use: see `tailscale funnel status`")),
        ),
        version_arguments=("version",),
    ),
    "command": TunnelPreset(
        title=Phrase("another program"),
        note=Phrase("any program that makes a tunnel"),
        program="",
        install_hint=Phrase("See to it that the program is installed, or write its path."),
        arguments=_command,
        keys=_TOKEN_KEYS | {"command", "url_pattern"},
        settle_seconds=1.0,
        version_arguments=(),  # an unknown program might do anything with an argument that it does not expect
    ),
}


def program_of(tunnel: Tunnel) -> str:
    """Return the name or path of the program to start."""
    return tunnel.command[0] if tunnel.command else tunnel.program or PRESETS[tunnel.kind].program


def url_pattern_of(tunnel: Tunnel) -> re.Pattern[str] | None:
    """Return the pattern that finds the public address in the program's output.

    Return None if the address is set as `public_url`.
    """
    return re.compile(tunnel.url_pattern) if tunnel.url_pattern else PRESETS[tunnel.kind].url_pattern


def find_failure(tunnel: Tunnel, line: str) -> tuple[int, str] | None:
    """If an output line reports a known failure, return the failure's rank and explanation. Otherwise return None.

    The failure with the lowest rank is the most informative.
    """
    for rank, (pattern, sentence) in enumerate(PRESETS[tunnel.kind].failures):
        if re.search(pattern, line, re.IGNORECASE):
            port = "" if tunnel.ssh_port in {None, 22} else f"-p {tunnel.ssh_port} "
            return rank, Phrase(sentence, host=f"{port}{tunnel.host}", port=str(tunnel.remote_port))
    return None


def public_url_problem(tunnel: Tunnel, public_url: str | None) -> str | None:
    """Return a warning if trayalert has no way to learn the tunnel's public address. Otherwise return None.

    The tunnel is started in any case, because callbacks can still arrive through it.
    """
    if public_url is not None or url_pattern_of(tunnel) is not None:
        return None
    if tunnel.kind == "command":
        return Phrase(
            'tunnel.kind = "command": nothing says under which address the outside comes in; set public_url or'
            " tunnel.url_pattern, else it can be neither shown nor probed."
        )
    return Phrase(
        'tunnel.kind = "{kind}": nothing says under which address the outside comes in; set public_url, else it can be'
        " neither shown nor probed.",
        kind=tunnel.kind,
    )
