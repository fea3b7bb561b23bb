"""Sentences that say why Cloud Monitor cannot reach trayalert, and what to do.

The path of the public address may be a secret. The sentences therefore name only the host.
"""

from urllib.parse import urljoin, urlsplit

from trayalert.domain.phrase import N_, Phrase, as_clause
from trayalert.domain.text import printable
from trayalert.services.http_client import HttpFailure, HttpResult

_DISCONNECTED = N_("{where} hangs up without an answer. Look at the tunnel or proxy there.")
_FAILURE_TEXTS = {
    HttpFailure.INVALID_REQUEST: _DISCONNECTED,  # rare, because the settings refuse nearly all such URLs
    HttpFailure.NO_NETWORK: N_("This computer has no network: nothing can come in until it is connected."),
    HttpFailure.NAME_UNRESOLVED: N_(
        "Nothing is called {host}, or no name server answers. Check public_url, and its DNS record."
    ),
    HttpFailure.NO_ROUTE: N_(
        "There is no way to {where} ({detail}). Check public_url, and whether its computer is on."
    ),
    HttpFailure.REFUSED: N_(
        "{where} refuses connections: nothing listens there. Start the tunnel or proxy; check public_url."
    ),
    HttpFailure.TIMED_OUT: N_(
        "{where} does not answer within {seconds:g} s, and Cloud Monitor waits no longer."
        " Check public_url, the tunnel, and the firewall before it."
    ),
    HttpFailure.DISCONNECTED: _DISCONNECTED,
    HttpFailure.CERTIFICATE_NOT_YET_VALID: N_(
        "The TLS certificate of {where} is not valid yet. Check this computer's clock, and the certificate."
    ),
    HttpFailure.CERTIFICATE_EXPIRED: N_(
        "The TLS certificate of {where} has expired. Renew it: Cloud Monitor may refuse it too."
    ),
    HttpFailure.CERTIFICATE_NAME: N_(
        "The TLS certificate at {where} is for another name. Get one for {host}, or correct public_url."
    ),
    HttpFailure.CERTIFICATE_UNTRUSTED: N_(
        "The TLS certificate of {where} is signed by nobody whom this computer trusts ({detail}):"
        " Cloud Monitor may refuse it too. Use one of a public authority, with its intermediate certificates."
    ),
    HttpFailure.TLS_ERROR: N_(
        "{where} does not speak TLS as it should ({detail}). Check public_url: its https, and its port."
    ),
    HttpFailure.NOT_HTTP: N_("What answers at {where} does not speak HTTP. Check public_url, and its port."),
    HttpFailure.PROXY_ERROR: N_(
        "The proxy {proxy}, which asks for this computer, cannot be used ({detail}), so nothing proves that"
        " {where} leads here. Check HTTPS_PROXY, HTTP_PROXY or the system's proxy settings, or list {host} in NO_PROXY."
    ),
}
_LOGIN = N_(
    "{where} answers {status}: a login or a firewall stands before it, which Cloud Monitor cannot pass."
    " Let POST to /hook/ through."
)
_STATUS_TEXTS = {
    401: _LOGIN,
    403: _LOGIN,
    404: N_(
        "{where} answers 404: it leads to another program or another trayalert, the tunnel is not connected, or"
        " public_url has a wrong host or path. It must lead to {listener}."
    ),
    405: N_("{where} answers 405: it takes no POST. Let POST to /hook/ through to {listener}."),
    413: N_("{where} answers 413: it takes no bodies of even {size} bytes. Let it take 64 KiB."),
    429: N_("{where} answers 429: it is asked too often. Raise the limit of the tunnel or proxy."),
    511: N_("The network here wants you to log in first. Open any page in a browser, and log in."),
}
_OTHER_STATUS = N_(
    "{where} answers {status}, where trayalert answers 200. The tunnel or proxy must lead to {listener}."
)
_GATEWAY = N_(
    "{where} is there, but does not get through to trayalert on {listener}: it answers {status}."
    " Start the tunnel, and see where it leads."
)
_FOREIGN_PAGE = N_(
    "{where} answers with a web page that is not trayalert's: the login page of the network here (open any page in a"
    " browser, and log in), or another program. The tunnel or proxy must lead to {listener}."
)
_FOREIGN = N_(
    "{where} answers 200, but not as this trayalert: another program, or another trayalert. Cloud Monitor would"
    " believe it. The tunnel or proxy must lead to {listener}."
)
_REDIRECT_TO_HTTPS = N_(
    "{where} sends all on to https. Write https into public_url, and into the rules of Cloud Monitor."
)
_REDIRECT_TO_PATH = N_("{where} answers {status} and sends all on to another path. Set public_url to where it leads.")
_REDIRECT_TO_HOST = N_(
    "{where} answers {status} and sends all on to {other}: the login page of the network here (open any page in a"
    " browser, and log in), or another address, which public_url should be."
)


class ProbeMessages:
    """Sentences about the result of one probe.

    The probe was sent to `public_url`, and should have reached `listener_address`. The probe's body had `size` bytes.
    The probe's timeout was `seconds`.
    """

    def __init__(
        self, public_url: str, result: HttpResult, *, listener_address: str, seconds: float, size: int
    ) -> None:
        parts = urlsplit(public_url)
        self._url = public_url
        self._result = result
        self._values = {
            "host": printable(parts.hostname, limit=100),
            "where": printable(parts.netloc.rpartition("@")[2], limit=100),
            "proxy": printable(result.proxy, limit=100),
            "detail": printable(result.detail, limit=100),
            "status": result.status,
            "listener": listener_address,
            "seconds": seconds,
            "size": size,
        }

    def rejected(self, reason: str) -> str:
        """Return the sentence for a probe that the listener rejected. `reason` is the listener's reason."""
        sentence = Phrase(
            "A probe came in, but was turned away by trayalert's own rules, as Cloud Monitor would be: {reason}."
            " Change that setting, or what the tunnel makes of the request.",
            reason=printable(reason, limit=200),
        )
        return self._with_proxy(sentence)

    def response_lost(self) -> str:
        """Return the sentence for a probe whose answer was lost or changed on the way back from the listener."""
        problem = self._failure_text() or self._format(N_("{where} answers {status}"))
        sentence = Phrase(
            "Callbacks come in, but the answer is lost or changed on its way back, so that Cloud Monitor does not learn"
            " what became of them: {problem}. Look at the tunnel or proxy there.",
            problem=as_clause(problem),
        )
        return self._with_proxy(sentence)

    def not_delivered(self) -> str:
        """Return the sentence for a probe that did not reach the listener."""
        result = self._result
        if result.failure is not None:
            return self._with_proxy(self._failure_text())
        if 300 <= result.status < 400:
            return self._with_proxy(self._redirect_text())
        if result.status == 200:
            return self._with_proxy(self._format(_FOREIGN_PAGE if self._is_page() else _FOREIGN))
        gateway = result.status in {502, 503, 504} or 520 <= result.status <= 530  # 520 to 530: Cloudflare's own
        return self._with_proxy(self._format(_STATUS_TEXTS.get(result.status, _GATEWAY if gateway else _OTHER_STATUS)))

    def _is_page(self) -> bool:
        start = self._result.body.lstrip()[:100].lower()
        return "html" in self._result.headers.get("Content-Type", "") or start.startswith((b"<!doctype", b"<html"))

    def _redirect_text(self) -> str:
        """Return the sentence for a redirect.

        Whether Cloud Monitor follows redirects is not known, so a redirect counts as a failure.
        """
        try:
            own, other = urlsplit(self._url), urlsplit(urljoin(self._url, self._result.headers.get("Location", "")))
            same, host = own.hostname == other.hostname, printable(other.hostname, limit=100)
        except ValueError:
            return self._format(_OTHER_STATUS)
        if not same:
            return self._format(_REDIRECT_TO_HOST, other=host)
        to_https = (own.scheme, other.scheme) == ("http", "https")
        return self._format(_REDIRECT_TO_HTTPS if to_https else _REDIRECT_TO_PATH)

    def _failure_text(self) -> str:
        """Return the sentence that says why there was no response, or an empty string if there was a response."""
        return self._format(_FAILURE_TEXTS[self._result.failure]) if self._result.failure else ""

    def _format(self, sentence: str, **more_values: str) -> str:
        return Phrase(sentence, **self._values, **more_values)

    def _with_proxy(self, sentence: str) -> str:
        if self._result.proxy is None or self._result.failure in {HttpFailure.PROXY_ERROR, HttpFailure.NO_NETWORK}:
            return sentence
        proxy = self._values["proxy"]
        return Phrase("{sentence} (Asked through the proxy {proxy}.)", sentence=sentence, proxy=proxy)
