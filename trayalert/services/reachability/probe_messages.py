"""What keeps Cloud Monitor out, in sentences: what is wrong, where, and what to do.

They name the host of the public address, never a path, as that could be a secret.
"""

from urllib.parse import urljoin, urlsplit

from trayalert.domain.text import printable
from trayalert.services.reachability.http_post import Heard, Trouble

_TROUBLES = {
    Trouble.NO_NETWORK: "This computer has no network: nothing can come in until it is connected.",
    Trouble.NO_NAME: "Nothing is called {host}, or no name server answers. Check public_url, and its DNS record.",
    Trouble.NO_WAY: "There is no way to {where} ({detail}). Check public_url, and whether its computer is on.",
    Trouble.REFUSED: "{where} refuses connections: nothing listens there. Start the tunnel or proxy; check public_url.",
    Trouble.TOO_LATE: "{where} does not answer within {seconds:g} s, and Cloud Monitor waits no longer."
    " Check public_url, the tunnel, and the firewall before it.",
    Trouble.HUNG_UP: "{where} hangs up without an answer. Look at the tunnel or proxy there.",
    Trouble.EARLY: "The TLS certificate of {where} is not valid yet. Check this computer's clock, and the certificate.",
    Trouble.EXPIRED: "The TLS certificate of {where} has expired. Renew it: Cloud Monitor may refuse it too.",
    Trouble.NAME: "The TLS certificate at {where} is for another name. Get one for {host}, or correct public_url.",
    Trouble.SIGNER: "The TLS certificate of {where} is signed by nobody whom this computer trusts ({detail}):"
    " Cloud Monitor may refuse it too. Use one of a public authority, with its intermediate certificates.",
    Trouble.NO_TLS: "{where} does not speak TLS as it should ({detail}). Check public_url: its https, and its port.",
    Trouble.NO_HTTP: "What answers at {where} does not speak HTTP. Check public_url, and its port.",
    Trouble.PROXY: "The proxy {proxy}, which asks for this computer, cannot be used ({detail}), so nothing proves that"
    " {where} leads here. Check HTTPS_PROXY, HTTP_PROXY or the system's proxy settings, or list {host} in NO_PROXY.",
}
_LOGIN = "{where} answers {status}: a login or a firewall stands before it, which Cloud Monitor cannot pass. Let"
_NO_TUNNEL = "{where} is there, but does not get through to trayalert on {door}: it answers {status}."
_STATUSES = {
    401: f"{_LOGIN} POST to /hook/ through.",
    403: f"{_LOGIN} POST to /hook/ through.",
    404: "{where} answers 404: it leads to another program or another trayalert, the tunnel is not connected, or"
    " public_url has a wrong host or path. It must lead to {door}.",
    405: "{where} answers 405: it takes no POST. Let POST to /hook/ through to {door}.",
    413: "{where} answers 413: it takes no bodies of even {size} bytes. Let it take 64 KiB.",
    429: "{where} answers 429: it is asked too often. Raise the limit of the tunnel or proxy.",
    511: "The network here wants you to log in first. Open any page in a browser, and log in.",
}
_OTHERWISE = "{where} answers {status}, where trayalert answers 200. The tunnel or proxy must lead to {door}."
_GATEWAY = f"{_NO_TUNNEL} Start the tunnel, and see where it leads."
_PAGE = (
    "{where} answers with a web page that is not trayalert's: the login page of the network here (open any page in a"
    " browser, and log in), or another program. The tunnel or proxy must lead to {door}."
)
_FOREIGN = (
    "{where} answers 200, but not as this trayalert: another program, or another trayalert. Cloud Monitor would"
    " believe it. The tunnel or proxy must lead to {door}."
)
_TO_HTTPS = "{where} sends all on to https. Write https into public_url, and into the rules of Cloud Monitor."
_TO_PATH = "{where} answers {status} and sends all on to another path. Set public_url to where it leads."
_ELSEWHERE = (
    "{where} answers {status} and sends all on to {other}: the login page of the network here (open any page in a"
    " browser, and log in), or another address, which public_url should be."
)


class Words:
    """The sentences for one probe of `public_url`, whose body had `size` bytes. `door` is where trayalert listens."""

    def __init__(self, public_url: str, heard: Heard, *, door: str, seconds: float, size: int) -> None:
        parts = urlsplit(public_url)
        self._url = public_url
        self._heard = heard
        self._told = {
            "host": printable(parts.hostname, limit=100),
            "where": printable(parts.netloc.rpartition("@")[2], limit=100),
            "proxy": printable(heard.proxy, limit=100),
            "detail": printable(heard.detail, limit=100),
            "status": heard.status,
            "door": door,
            "seconds": seconds,
            "size": size,
        }

    def kept_out(self, why: str) -> str:
        """Say that our own door has turned it away."""
        return self._ended(
            f"A probe came in, but was turned away by trayalert's own rules, as Cloud Monitor would be:"
            f" {printable(why, limit=200)}. Change that setting, or what the tunnel makes of the request."
        )

    def lost_on_the_way_back(self) -> str:
        """Say that it came in, and its answer did not come back as it was."""
        heard = self._heard
        back = f"{self._told['where']} answers {heard.status}" if heard.trouble is None else self._not_heard()
        return self._ended(
            "Callbacks come in, but the answer is lost or changed on its way back, so that Cloud Monitor does not learn"
            f" what became of them: {back.rstrip('.')}. Look at the tunnel or proxy there."
        )

    def not_through(self) -> str:
        """Say why it did not come in."""
        heard = self._heard
        if heard.trouble is not None:
            return self._ended(self._not_heard())
        if 300 <= heard.status < 400:
            return self._ended(self._redirected())
        if heard.status == 200:
            return self._ended(self._say(_PAGE if self._is_page() else _FOREIGN))
        gateway = heard.status in {502, 503, 504} or 520 <= heard.status <= 530  # the latter are Cloudflare's
        return self._ended(self._say(_STATUSES.get(heard.status, _GATEWAY if gateway else _OTHERWISE)))

    def _is_page(self) -> bool:
        start = self._heard.body.lstrip()[:100].lower()
        return "html" in self._heard.headers.get("Content-Type", "") or start.startswith((b"<!doctype", b"<html"))

    def _redirected(self) -> str:
        """Cloud Monitor is not known to follow."""
        try:
            own, other = urlsplit(self._url), urlsplit(urljoin(self._url, self._heard.headers.get("Location", "")))
            same, host = own.hostname == other.hostname, printable(other.hostname, limit=100)
        except ValueError:
            return self._say(_OTHERWISE)
        if not same:
            return self._say(_ELSEWHERE, other=host)
        return self._say(_TO_HTTPS if (own.scheme, other.scheme) == ("http", "https") else _TO_PATH)

    def _not_heard(self) -> str:
        """Say why there was no answer."""
        return self._say(_TROUBLES[self._heard.trouble]) if self._heard.trouble else ""

    def _say(self, sentence: str, **more: str) -> str:
        return sentence.format(**self._told, **more)

    def _ended(self, sentence: str) -> str:
        if self._heard.proxy is None or self._heard.trouble in {Trouble.PROXY, Trouble.NO_NETWORK}:
            return sentence
        return f"{sentence} (Asked through the proxy {self._told['proxy']}.)"
