"""Lookups of names, certificates and clocks on other machines.

Each lookup waits a few seconds at most, except `resolve`, which takes as long as the system's resolver.
"""

import email.utils
import socket
import ssl
import urllib.error
import urllib.request
from urllib.parse import urlsplit

from trayalert.clock import now
from trayalert.domain.incident.console_link import ANY_NAMESPACE, Site
from trayalert.domain.phrase import Phrase
from trayalert.domain.settings.settings import Settings
from trayalert.domain.times import Millis
from trayalert.services.presentation.link_table import link_table

_PATIENCE = 4.0
"""Seconds to wait for another machine. This is less than the time limit of a check."""


def resolve(host: str) -> tuple[str, ...]:
    """Return the IP addresses of a host. Raise OSError if the host's name cannot be resolved."""
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except UnicodeError as error:
        raise OSError(Phrase("it is no name that a name server could be asked for")) from error
    return tuple(dict.fromkeys(str(address[0]) for *_, address in found))


def expiry(host: str, port: int, *, context: ssl.SSLContext | None = None) -> Millis:
    """Return the expiry time of the certificate that a host presents on a port.

    Raise ssl.SSLError if the certificate is not trusted, and OSError if the host cannot be reached.
    """
    context = context or ssl.create_default_context()
    with (
        socket.create_connection((host, port), timeout=_PATIENCE) as plain,
        context.wrap_socket(plain, server_hostname=host) as connection,
    ):
        certificate = connection.getpeercert() or {}
    return int(ssl.cert_time_to_seconds(str(certificate["notAfter"]))) * 1000


def ahead(url: str) -> Millis | None:
    """Return by how many milliseconds the clock of a URL's server is ahead of this computer's clock.

    The server's time comes from the Date header of its response. Return None if the header is missing or invalid. Raise
    OSError if the server cannot be reached.
    """
    request = urllib.request.Request(url, method="HEAD")  # noqa: S310 - https, from resources/console_links.json
    before = now()
    try:
        with urllib.request.urlopen(request, timeout=_PATIENCE) as answer:  # noqa: S310 - see above
            headers = answer.headers
    except urllib.error.HTTPError as error:
        headers = error.headers
        error.close()
    date = headers.get("Date")
    if not date:
        return None
    try:
        moment = email.utils.parsedate_to_datetime(date).timestamp()
    except ValueError:
        return None
    return int(moment * 1000 + 500 - (before + now()) / 2)


def proxied(url: str) -> bool:
    """Return whether the environment or the system specifies a proxy for the URL."""
    parts = urlsplit(url)
    if urllib.request.proxy_bypass(parts.netloc):
        return False
    return bool({parts.scheme, "all"} & urllib.request.getproxies().keys())


def console(site: Site) -> str:
    """Return the URL of the console for an Alibaba Cloud site, without a path."""
    page = link_table(Settings(site=site)).templates[ANY_NAMESPACE][0].url
    return f"https://{urlsplit(page).netloc}"
