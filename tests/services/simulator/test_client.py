"""The simulator of Cloud Monitor, tested against a real HTTP server that records the requests."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlencode

import pytest

from trayalert.callbacks.kinds import read_callback
from trayalert.domain.callback import FORM, Callback
from trayalert.domain.incident.alert import TEST, Alert, State
from trayalert.services.simulator.client import RETRY_PAUSE, CallbackSender, sample_body, sample_names, timestamps
from trayalert.services.simulator.payloads import JSON, SendFault, SimulatedRequest, simulated_request

NOW = 1_790_000_000_123
SAMPLE_KINDS = {
    "console-test": TEST, "event-rule": "event", "event-maintenance": "event", "event-centre": "event",
    "cms2": "cms2", "alertmanager": "alertmanager", "sls": "sls",
}  # fmt: skip


@dataclass
class Receiver:
    """A server that gives each answer in `answers` once, and then always 200.

    Each answer is a status code, or None to close the connection without an answer. `seen` contains the method, path,
    headers and body of each request. `connections` contains the client ports of all connections.
    """

    port: int = 0
    answers: list[int | None] = field(default_factory=list)
    seen: list[tuple[str, str, dict[str, str], bytes]] = field(default_factory=list)
    connections: set[int] = field(default_factory=set)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hook/the-secret"


@contextmanager
def receiving() -> Iterator[Receiver]:
    receiver = Receiver()

    class Requests(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def take(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            receiver.seen.append((self.command, self.path, dict(self.headers), body))
            receiver.connections.add(self.client_address[1])
            status = receiver.answers.pop(0) if receiver.answers else 200
            if status is None:
                self.close_connection = True
                return
            self.send_response(status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        do_GET = do_POST = take  # noqa: N815 - names that the library prescribes

        def log_message(self, *_: object) -> None: ...

    with ThreadingHTTPServer(("127.0.0.1", 0), Requests) as server:
        server.daemon_threads = True
        receiver.port = server.server_address[1]
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield receiver
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as receiver:
        yield receiver


def understood(message: SimulatedRequest) -> Alert:
    return read_callback(Callback(received_at=0, method=message.method, body=message.body))[0]


def no_wait(_: float) -> None: ...


def test_it_sends_as_cloud_monitor_does(receiver: Receiver) -> None:
    sender = CallbackSender(receiver.url)
    sent = sender.send(simulated_request(sample_body("ecs-cpu"), now=NOW, recover=False))
    sender.close()

    ((method, path, headers, body),) = receiver.seen
    assert (sent.status, sent.tries, sent.accepted, sent.problem) == (200, 1, True, None)
    assert (method, path) == ("POST", "/hook/the-secret")
    assert headers["Content-Type"] == "application/x-www-form-urlencoded; charset=UTF-8"
    assert headers["User-Agent"] == "Apache-HttpClient/4.4.1 (Java/1.7.0_65)"
    assert headers["Connection"] == "Keep-Alive"
    assert headers["Accept-Encoding"] == "gzip,deflate"
    assert headers["Content-Length"] == str(len(body))
    assert b"dimensions=%7BinstanceId%3Di-bp1example00000010aa%2C+userId%3D" in body
    assert b"timestamp=1790000000123" in body


@pytest.mark.parametrize("name", sample_names())
def test_every_sample_is_read_as_what_it_is(name: str) -> None:
    alert = understood(simulated_request(sample_body(name), now=NOW, recover=False))

    assert alert.kind == SAMPLE_KINDS.get(name, "threshold")
    if alert.kind != TEST:
        assert (alert.at, alert.state) == (NOW, State.ALERT)
        assert alert.resource_id


def test_an_unknown_sample_is_told_with_those_there_are() -> None:
    with pytest.raises(SendFault, match=r'there is no sample "nope"\. There are: .*ecs-cpu, ') as fault:
        sample_body("nope")
    assert str(fault.value).endswith(".")
    with pytest.raises(SendFault):
        sample_body("../console_links")


def test_only_time_differs_from_the_sample() -> None:
    before = parse_qs(sample_body("rds-connections").decode().strip())
    after = parse_qs(simulated_request(sample_body("rds-connections"), now=NOW, recover=False).body.decode())

    assert {name for name in before | after if before.get(name) != after.get(name)} == {"timestamp"}


def test_with_its_own_time_nothing_differs() -> None:
    message = simulated_request(sample_body("ecs-disk"), now=None, recover=False)

    assert parse_qs(message.body.decode()) == parse_qs(sample_body("ecs-disk").decode().strip())


def test_the_ok_belongs_to_the_alert() -> None:
    alert = understood(simulated_request(sample_body("ecs-cpu"), now=NOW, recover=False))
    recovery = understood(simulated_request(sample_body("ecs-cpu"), now=NOW + 5, recover=True))

    assert (recovery.state, recovery.level, recovery.previous_level) == (State.OK, "OK", alert.level)
    assert (recovery.key, recovery.subject) == (alert.key, alert.subject)
    assert recovery.identity != alert.identity


@pytest.mark.parametrize("name", ["console-test", "event-rule", "event-centre"])
def test_what_nothing_ends_says_so(name: str) -> None:
    with pytest.raises(SendFault, match="nothing ever ends what this body tells of"):
        simulated_request(sample_body(name), now=NOW, recover=True)


@pytest.mark.parametrize("name", ["alertmanager", "cms2", "event-maintenance", "sls"])
@pytest.mark.parametrize("as_form", [False, True])
def test_a_sample_of_another_kind_is_stamped_and_ended_in_its_own_words(name: str, *, as_form: bool) -> None:
    content = sample_body(name)
    if as_form:
        document = json.loads(content)
        content = urlencode(
            {key: value if isinstance(value, str) else json.dumps(value) for key, value in document.items()}
        ).encode()
    fired = simulated_request(content, now=NOW, recover=False)
    over = simulated_request(content, now=NOW + 1000, recover=True)
    firing, ended = understood(fired), understood(over)

    assert fired.content_type == over.content_type == (FORM if as_form else JSON)
    assert (firing.at, firing.state, ended.at, ended.state) == (NOW, State.ALERT, NOW + 1000, State.OK)
    assert firing.key == ended.key
    assert firing.identity != ended.identity
    assert firing.identity != understood(simulated_request(content, now=NOW + 1, recover=False)).identity
    assert simulated_request(content, now=None, recover=False).body == content.strip()


def test_the_test_button_is_a_get_with_nothing_in_it(receiver: Receiver) -> None:
    sender = CallbackSender(receiver.url)
    sender.send(simulated_request(sample_body("console-test"), now=NOW, recover=False))
    sender.close()

    method, _, headers, body = receiver.seen[0]
    assert (method, body, "Content-Type" in headers) == ("GET", b"", False)


def test_json_stays_json() -> None:
    document = {"alertName": "磁盘", "alertState": "ALERT", "curValue": "1", "timestamp": "1"}
    message = simulated_request(json.dumps(document).encode(), now=NOW, recover=False)

    assert message.content_type == JSON
    assert json.loads(message.body) == document | {"timestamp": str(NOW)}


def test_what_is_no_callback_goes_as_it_is() -> None:
    message = simulated_request(b"  anything at all \n", now=NOW, recover=False)

    assert (message.content_type, message.body) == (FORM, b"anything at all")


def test_stamps_differ_and_never_go_back() -> None:
    clock = iter([5, 5, 5, 3, 100, 100])

    assert list(timestamps(6, now=lambda: next(clock))) == [5, 6, 7, 8, 100, 101]


def test_what_is_not_accepted_is_sent_again_up_to_three_times(receiver: Receiver) -> None:
    waits: list[float] = []
    receiver.answers = [503, 500, 404]
    sender = CallbackSender(receiver.url)
    sent = sender.send(SimulatedRequest(content_type=FORM, body=b"x"), wait=waits.append)
    sender.close()

    assert (sent.status, sent.tries, sent.accepted) == (200, 4, True)
    assert waits == [RETRY_PAUSE] * 3
    assert [body for *_, body in receiver.seen] == [b"x"] * 4


def test_after_three_retries_it_gives_up(receiver: Receiver) -> None:
    receiver.answers = [503] * 10
    sender = CallbackSender(receiver.url)
    sent = sender.send(SimulatedRequest(content_type=FORM, body=b"x"), wait=no_wait)
    sender.close()

    assert (sent.status, sent.tries, sent.accepted) == (503, 4, False)
    assert sent.problem == f"http://127.0.0.1:{receiver.port} answered 503: it could not be stored"
    assert len(receiver.seen) == 4


def test_a_connection_that_breaks_is_made_again(receiver: Receiver) -> None:
    receiver.answers = [200, None, 200, 200]
    sender = CallbackSender(receiver.url)
    results = [sender.send(SimulatedRequest(content_type=FORM, body=b"x"), wait=no_wait) for _ in range(3)]
    sender.close()

    assert [(result.status, result.tries) for result in results] == [(200, 1), (200, 2), (200, 1)]
    assert len(receiver.connections) == 2


def test_a_wrong_url_is_told_without_the_secret(receiver: Receiver) -> None:
    receiver.answers = [404] * 4
    sender = CallbackSender(receiver.url)
    sent = sender.send(SimulatedRequest(content_type=FORM, body=b"x"), wait=no_wait)
    sender.close()

    assert sent.problem == (
        f"http://127.0.0.1:{receiver.port} answered 404: the URL is not the callback URL (`trayalert url` prints it)"
    )


def test_nobody_there_is_told_without_the_secret() -> None:
    with receiving() as gone:
        pass
    sender = CallbackSender(gone.url)
    sent = sender.send(SimulatedRequest(content_type=FORM, body=b"x"), wait=no_wait)

    assert (sent.status, sent.tries) == (None, 4)
    assert sent.problem is not None
    assert sent.problem.startswith(f"no answer from http://127.0.0.1:{gone.port}: ")
    assert "the-secret" not in sent.problem


@pytest.mark.parametrize(
    "url",
    [
        "",
        "the host/the-secret",
        "127.0.0.1:80/the-secret",
        "ftp://host/the-secret",
        "http:///the-secret",
        "http://host:99999/the-secret",
        "http://host:port/the-secret",
        "http://[::1/the-secret",
        "http://host/the-secret\n",
        "http://host/the-secret with a space",
        "http://host/the-secret/é",
        "http://ü..x/the-secret",
        "http://host?the-secret é",
    ],
)
def test_what_is_no_url_is_told_without_the_secret(url: str) -> None:
    with pytest.raises(SendFault) as fault:
        CallbackSender(url)
    assert "the-secret" not in str(fault.value)


def test_a_host_that_nobody_knows_is_no_answer() -> None:
    sent = CallbackSender("http://no-such-host.invalid/the-secret").send(
        SimulatedRequest(content_type=FORM, body=b"x"), wait=no_wait
    )

    assert sent.status is None
    assert "the-secret" not in str(sent.problem)
