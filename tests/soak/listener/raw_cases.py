"""Cases of raw bytes that strangers could send to the listener, and how many deliveries each case may store.

Every case uses a right secret, because nothing is stored for a wrong secret. Each case has a mark of its own, by
which a delivery of the case is recognised.
"""

import gzip
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum

LARGEST = 1024 * 1024


class Action(Enum):
    """What a stranger can do besides sending bytes and waiting."""

    HALF_CLOSE = "says that nothing more comes, and waits"
    RESET = "breaks the connection off"
    NO_READING = "takes no answer"
    LISTEN = "waits for a first answer"


Step = bytes | float | Action
Script = Sequence[Step]
Build = Callable[[bytes, bytes], Script]


@dataclass(frozen=True, slots=True)
class Case:
    """One case. `build` takes the hook's path and the mark, and returns the script to play.

    `stored` contains the permitted numbers of stored deliveries. The HTTP standards leave a choice if there are two
    numbers.
    """

    name: str
    build: Build
    stored: tuple[int, ...] = (0,)


NO, YES, EITHER = (0,), (1,), (0, 1)


def request(line: bytes, *headers: bytes, body: bytes = b"", host: bytes = b"Host: door") -> bytes:
    return b"\r\n".join([line, *([host] if host else []), *headers, b"", b""]) + body


def post(path: bytes, *headers: bytes, body: bytes, version: bytes = b"HTTP/1.1") -> bytes:
    return request(b"POST " + path + b" " + version, *headers, b"Content-Length: %d" % len(body), body=body)


def chunked(path: bytes, content: bytes, *headers: bytes) -> bytes:
    return request(b"POST " + path + b" HTTP/1.1", b"Transfer-Encoding: chunked", *headers, body=content)


def chunk(content: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(content), content)


def drip(content: bytes, pause: float = 0.25) -> list[Step]:
    return [step for place in range(len(content)) for step in (content[place : place + 1], pause)]


def _headers(name: str, *headers: bytes, stored: tuple[int, ...] = NO) -> Case:
    """Return a case that sends a POST with exactly the given headers, besides `Host`."""
    return Case(name, lambda path, mark: [request(b"POST " + path + b" HTTP/1.1", *headers, body=mark)], stored)


def _more(name: str, *headers: bytes, stored: tuple[int, ...] = NO) -> Case:
    """Return a case that sends a POST which would be valid without the given additional headers."""
    return Case(name, lambda path, mark: [post(path, *headers, body=mark)], stored)


def _line(name: str, line: bytes, stored: tuple[int, ...] = NO) -> Case:
    """Return a case that sends a POST with the given request line. PATH, SECRET and MARK stand for the real values."""

    def build(path: bytes, mark: bytes) -> Script:
        filled = line.replace(b"PATH", path).replace(b"SECRET", path.removeprefix(b"/hook/")).replace(b"MARK", mark)
        return [request(filled, b"Content-Length: %d" % len(mark), body=mark)]

    return Case(name, build, stored)


def _chunks(name: str, content: bytes, *headers: bytes, stored: tuple[int, ...] = NO) -> Case:
    """Return a case that sends a chunked POST. A valid chunk with the mark comes first, and then `content`."""
    return Case(name, lambda path, mark: [chunked(path, chunk(mark) + content, *headers)], stored)


def _body(name: str, make: Callable[[bytes], bytes], *headers: bytes, stored: tuple[int, ...] = YES) -> Case:
    return Case(name, lambda path, mark: [post(path, *headers, body=make(mark))], stored)


def _alone(name: str, content: bytes) -> Case:
    """Return a case that sends only `content`, which is not HTTP."""
    return Case(name, lambda *_: [content])


FRAMING = (
    _headers("two lengths that differ", b"Content-Length: 5", b"Content-Length: 50"),
    _headers("length and chunked", b"Content-Length: 5", b"Transfer-Encoding: chunked"),
    _headers("chunked and length", b"Transfer-Encoding: chunked", b"Content-Length: 5"),
    _headers("chunked, identity", b"Transfer-Encoding: chunked, identity"),
    _headers("xchunked", b"Transfer-Encoding: xchunked"),
    _headers("chunked twice", b"Transfer-Encoding: chunked", b"Transfer-Encoding: chunked"),
    _headers("chunked behind a vertical tab", b"Transfer-Encoding: \x0bchunked"),
    _headers("a space before the colon", b"Transfer-Encoding : chunked"),
    _headers("a negative length", b"Content-Length: -5"),
    _headers("a signed length", b"Content-Length: +5"),
    _headers("a list of lengths", b"Content-Length: 5, 5"),
    _headers("a hexadecimal length", b"Content-Length: 0x5"),
    _headers("a length with an underscore", b"Content-Length: 1_0"),
    _headers("a length in Arabic digits", "Content-Length: ٥".encode()),
    _headers("an empty length", b"Content-Length: "),
    _headers("a length of 30 digits", b"Content-Length: " + b"9" * 30),
    Case("bare LF", lambda path, mark: [post(path, body=mark).replace(b"\r\n", b"\n")]),
    Case("bare CR", lambda path, mark: [post(path, b"X: a\rb", body=mark)]),
    _more("NUL in a value", b"X: a\0b"),
    _more("NUL in a name", b"X\0: a"),
    _more("a space in a name", b"X Y: a"),
    _more("no colon", b"nothing"),
    _more("no name", b": a"),
    _more("a name that is not ASCII", "Größe: 1".encode()),
    _more("a value that is not ASCII", "X: 中文".encode(), stored=EITHER),
    _more("a folded line", b"X: a", b" b", stored=EITHER),
    _more("a folded first line", b" folded: a"),
    _more("the same length twice", b"Content-Length: 12", stored=EITHER),
    Case("no host", lambda path, mark: [post(path, body=mark).replace(b"Host: door\r\n", b"")], EITHER),
    _more("a second host", b"Host: other", stored=EITHER),
    Case("a host of nonsense", lambda path, mark: [post(path, body=mark).replace(b"door", b"a b/c@d")], EITHER),
    Case("empty lines first", lambda path, mark: [b"\r\n" * 2 + post(path, body=mark)], EITHER),
)
LINES = (
    _line("lower case", b"post PATH HTTP/1.1"),
    _line("PUT", b"PUT PATH HTTP/1.1"),
    _line("HEAD", b"HEAD PATH HTTP/1.1"),
    _line("OPTIONS *", b"OPTIONS * HTTP/1.1"),
    _line("CONNECT", b"CONNECT door:80 HTTP/1.1"),
    _line("TRACE", b"TRACE PATH HTTP/1.1"),
    _line("a method with a space", b"PO ST PATH HTTP/1.1"),
    _line("a method of 20 KB", b"P" * 20_000 + b" PATH HTTP/1.1"),
    _line("HTTP/0.9", b"POST PATH"),
    Case("HTTP/0.9 and nothing more", lambda path, _: [b"GET " + path + b"\r\n"]),
    _line("HTTP/2.0", b"POST PATH HTTP/2.0"),
    _line("HTTP/1.2", b"POST PATH HTTP/1.2"),
    _line("HTTP/1.10", b"POST PATH HTTP/1.10"),
    _line("HTTP/9.9", b"POST PATH HTTP/9.9"),
    _line("http/1.1", b"POST PATH http/1.1"),
    _line("ICY", b"POST PATH ICY/1.1"),
    _line("two spaces", b"POST  PATH  HTTP/1.1", EITHER),
    _line("absolute form", b"POST http://doorPATH HTTP/1.1"),
    _line("absolute form of another host", b"POST http://evil.example/PATH HTTP/1.1"),
    _line("two slashes", b"POST /PATH HTTP/1.1"),
    _line("dots", b"POST /x/..PATH HTTP/1.1"),
    _line("an encoded slash", b"POST /hook%2FSECRET HTTP/1.1"),
    _line("a slash behind", b"POST PATH/ HTTP/1.1"),
    _line("a parameter", b"POST PATH;a=1 HTTP/1.1"),
    _line("NUL in the path", b"POST PATH\0 HTTP/1.1"),
    _line("a path of 20 KB", b"POST PATH?" + b"a" * 20_000 + b" HTTP/1.1"),
    _line("a path of 1 MB", b"POST PATH?" + b"a" * 1_000_000 + b" HTTP/1.1"),
    _line("a wrong secret", b"POST PATHx HTTP/1.1"),
    _line("half a secret", b"POST /hook/ HTTP/1.1"),
    _line("a GET with a query", b"GET PATH?MARK HTTP/1.1", EITHER),
    _line("HTTP/1.0", b"POST PATH HTTP/1.0", YES),
)
HEADERS = (
    _more("an origin", b"Origin: https://evil.example"),
    _more("a null origin", b"Origin: null"),
    _more("a header of 9 KB", b"X: " + b"a" * 9_000),
    _more("200 headers", *[b"X-%d: a" % number for number in range(200)]),
    _more("a megabyte of headers", *[b"X-%d: %s" % (number, b"a" * 1000) for number in range(1000)]),
    _more("an expectation", b"Expect: 100-continue", stored=YES),
    _more("an odd expectation", b"Expect: banana", stored=EITHER),
    _more("an upgrade to h2c", b"Connection: Upgrade", b"Upgrade: h2c", b"HTTP2-Settings: AAMA", stored=EITHER),
    _more("a websocket", b"Connection: Upgrade", b"Upgrade: websocket", b"Sec-WebSocket-Key: eA==", stored=EITHER),
    _more("a charset of nonsense", b"Content-Type: text/plain; charset=\xff\xfe", stored=EITHER),
    _more("multipart with no boundary", b"Content-Type: multipart/form-data", stored=YES),
)  # fmt: skip
CHUNKS = (
    _chunks("sound chunks", chunk(b"&a=1") + b"0\r\n\r\n", stored=YES),
    _chunks("5,000 chunks of a byte", chunk(b"a") * 5_000 + b"0\r\n\r\n", stored=YES),
    _chunks("70,000 chunks of a byte", chunk(b"a") * 70_000 + b"0\r\n\r\n", stored=YES),
    _chunks("a size of nonsense", b"zz\r\nab\r\n0\r\n\r\n"),
    _chunks("a negative size", b"-1\r\nab\r\n0\r\n\r\n"),
    _chunks("0x before a size", b"0x2\r\nab\r\n0\r\n\r\n"),
    _chunks("a size over 64 bits", b"F" * 17 + b"\r\nab\r\n0\r\n\r\n"),
    _chunks("a size of 2^63", b"8000000000000000\r\nab"),
    _chunks("a chunk that is too long", b"2\r\nabcdef\r\n0\r\n\r\n"),
    _chunks("a chunk with bare LF", b"2\nab\n0\n\n"),
    _chunks("an extension of 100 KB", b"2;" + b"x" * 100_000 + b"\r\nab\r\n0\r\n\r\n", stored=EITHER),
    _chunks("trailers of 100 KB", b"0\r\n" + b"X: aaaaaaaaaaaa\r\n" * 6_000 + b"\r\n", stored=EITHER),
    _chunks("a trailer with a length", b"0\r\nContent-Length: 5\r\n\r\n", stored=EITHER),
    _chunks("two megabytes", chunk(b"a" * 2_000_000) + b"0\r\n\r\n"),
    Case("chunks that end early", lambda path, mark: [chunked(path, chunk(mark)), Action.HALF_CLOSE]),
    Case("chunks with no end", lambda path, mark: [chunked(path, chunk(mark)), 30.0]),
)
_PARTS = b"Content-Type: multipart/form-data; boundary=b"
_BOMB = bytes(30_000_000)
BODIES = (
    _body("1 MiB", lambda mark: mark.ljust(LARGEST, b"x")),
    _body("1 MiB and a byte", lambda mark: mark.ljust(LARGEST + 1, b"x"), stored=NO),
    _body("32,000 fields", lambda mark: mark + b"&a" * 32_000),
    _body("a million fields", lambda mark: mark + b"&a" * 1_000_000, stored=NO),
    _body("13,000 values of an alert", lambda mark: mark + b"&alertState=ALERT" + b"&a=1" * 13_000),
    _body("brackets", lambda mark: (b'{"' + mark + b'":') + b"[" * 60_000, b"Content-Type: application/json"),
    _body("a number of 60,000 digits", lambda mark: b'{"' + mark + b'":' + b"9" * 60_000 + b"}"),
    _body("6,000 parts", lambda mark: mark + b"\r\n--b\r\n\r\n" * 6_000, _PARTS),
    _body("an empty body with a mark behind", lambda _: b"", stored=NO),
    _body("a gzip bomb", lambda mark: gzip.compress(_BOMB) + mark, b"Content-Encoding: gzip", stored=EITHER),
    _body("a deflate bomb", lambda mark: zlib.compress(_BOMB) + mark, b"Content-Encoding: deflate", stored=EITHER),
    _body("a brotli bomb", lambda mark: mark + b"\xff" * 9_000, b"Content-Encoding: br", stored=EITHER),
    _body("a zstd bomb", lambda mark: mark + b"\x28\xb5\x2f\xfd" * 900, b"Content-Encoding: zstd", stored=EITHER),
    _body("five encodings", lambda mark: mark, b"Content-Encoding: gzip, gzip, gzip, gzip, br", stored=EITHER),
    _headers("a gigabyte that is promised", b"Content-Length: 1000000000"),
    Case("a body that ends early", lambda path, mark: [post(path, body=mark + b"x" * 99)[:-50], Action.HALF_CLOSE]),
    Case("a body that breaks off", lambda path, mark: [post(path, body=mark + b"x" * 99)[:-50], 0.05, Action.RESET]),
)  # fmt: skip
TIMES = (
    Case("nothing at all", lambda *_: [30.0]),
    Case("half a line", lambda path, _: [b"POST " + path[:9], 30.0]),
    Case("half the headers", lambda path, mark: [post(path, body=mark)[:-30], 30.0]),
    Case("headers drop by drop", lambda path, mark: drip(post(path, b"X: " + b"a" * 99, body=mark))),
    Case("a body drop by drop", lambda path, mark: [post(path, body=mark + b"x" * 99)[:-99], *drip(b"x" * 99)]),
    Case("a body that does not come", lambda path, mark: [post(path, body=mark + b"x")[:-1], 30.0]),
    Case("a body after a wait", lambda path, mark: [post(path, body=mark)[: -len(mark)], 0.3, mark], YES),
    Case("half-closed behind a request", lambda path, mark: [post(path, body=mark), Action.HALF_CLOSE], YES),
    Case("half-closed at once", lambda *_: [Action.HALF_CLOSE]),
    Case("reset at once", lambda *_: [Action.RESET]),
    Case("no answer is read", lambda path, mark: [Action.NO_READING, post(path, body=mark) * 200, 30.0], YES),
    Case("two requests at once", lambda path, mark: [post(path, body=mark) * 2], YES),
    Case("a hundred requests at once", lambda path, mark: [post(path, body=mark) * 100], YES),
    Case("a wrong request, then a right one", lambda path, mark: [post(path + b"x", body=b"") + post(path, body=mark)]),
    Case("a later request", lambda path, mark: [post(path, body=mark), Action.LISTEN, post(path, body=mark)], YES),
)  # fmt: skip
NOT_HTTP = (
    _alone("a TLS hello", bytes.fromhex("16030100a5010000a10303") + bytes(160)),
    _alone("an HTTP/2 preface", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00"),
    _alone("SSH", b"SSH-2.0-OpenSSH_9.6\r\n"),
    _alone("SMTP", b"EHLO evil\r\nMAIL FROM:<a@b>\r\n"),
    _alone("Redis", b"*1\r\n$4\r\nINFO\r\n"),
    _alone("a proxy's line", b"PROXY TCP4 1.2.3.4 5.6.7.8 1 2\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n"),
    _alone("a proxy's bytes", b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c" + bytes(12)),
    _alone("a gibberish of 100 KB", bytes(range(256)) * 400),
    _alone("100 KB of line ends", b"\r\n" * 50_000),
    _alone("an RDP cookie", b"\x03\x00\x00\x13\x0e\xe0\x00\x00\x00\x00\x00\x01\x00\x08\x00\x0b\x00\x00\x00"),
)
CASES: tuple[Case, ...] = (*FRAMING, *LINES, *HEADERS, *CHUNKS, *BODIES, *TIMES, *NOT_HTTP)
