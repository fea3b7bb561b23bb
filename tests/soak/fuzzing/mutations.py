"""Inputs for the fuzz target: the samples, and random mutations of them, which are the same for the same seed."""

import random
from collections.abc import Iterator
from pathlib import Path

from trayalert.resource_files import resource_path

_HERE = Path(__file__).parents[2] / "data" / "callbacks"
_TOKENS: list[bytes | str] = [
    *(
        b"%00",
        b"%ed%a0%80",
        b"\\ud800",
        b"\xff\xfe",
        b"\0",
        b"&",
        b"=",
        b"%",
        b"+",
        b'"',
        b"\\",
        b"{",
        b"}",
        b"[",
        b"]",
    ),
    *(b",", b":", b"null", b"NaN", b"1e400", b"9" * 400, b"-0", b"..", b"/", b"//", b"@", b"#", b"?", b"\r\n", b"\t"),
    *("．", "。", "／", "＠", "İ", "ſ", "\u202e", "\u200b", "\ufeff", "中"),
    *(b"alertState", b"dimensions", b"timestamp", b"instanceId", b"regionId", b"cn-hangzhou", b"javascript:", b"file:"),
    *(b"evil.example", b".console.aliyun.com", b"https:", b"http:", b":443", b"user@", b"\\\\", b"%2e%2e", b"%2f"),
]
TOKENS = [token if isinstance(token, bytes) else token.encode() for token in _TOKENS]
URLS = [
    b"https://ecs.console.aliyun.com/server/i-1/detail?regionId=cn-hangzhou",
    b"https://cms-intl.console.alibabacloud.com/?#/chart",
    b"https://evil.example/.console.aliyun.com",
    b"https://evil.example#.console.aliyun.com",
    b"https://user@ecs.console.aliyun.com/",
    b"https://ecs.console.aliyun.com:8443/",
    b"https://console.aliyun.com.evil.example/",
    b"http://ecs.console.aliyun.com/",
    b"javascript:alert(1)//.console.aliyun.com",
]
LINKS = [
    b"acs_vpc_eip\nresource\nhttps://cmsnext.console.aliyun.com/a?b#/c\ncn-a\nhttps://arms.console.aliyun.com/d",
    b"acs_ecs_dashboard\ninstanceId\ni-bp1\ncn-hangzhou\nx",
    b"acs_x\nk\n../../evil\ncn-x\n@evil",
    b"\n\n\n\n",
]


def corpus() -> list[bytes]:
    """Return the inputs from which fuzzers start: every sample, links and URLs."""
    files = [*sorted(_HERE.iterdir()), *sorted(Path(str(resource_path("samples"))).iterdir())]
    bodies = [path.read_bytes() for path in files if path.suffix in {".form", ".json"}]
    assert len(bodies) > 5
    queries = [b"q" + body.strip() + b"\0\0" for body in bodies]
    return [*bodies, *queries, *(b"u" + url for url in URLS), *(b"l" + link for link in LINKS)]


def spoiled(seeds: list[bytes], number: int, *, seed: int) -> Iterator[bytes]:
    """Yield `number` inputs, each made from a seed by one to eight random changes."""
    chance = random.Random(seed)
    for _ in range(number):
        content = bytearray(chance.choice(seeds))
        for _ in range(chance.randint(1, 8)):
            _spoil(content, chance, seeds)
        yield bytes(content[:8_000])


def _spoil(content: bytearray, chance: random.Random, seeds: list[bytes]) -> None:
    start = chance.randint(1, max(1, len(content)))
    end = min(len(content), start + chance.choice((0, 0, 1, 2, 5, 20)))
    match chance.randrange(5):
        case 0:
            content[start:end] = chance.choice(TOKENS)
        case 1:
            content[start:end] = b""
        case 2:
            content[start:end] = chance.randbytes(chance.randint(1, 4))
        case 3:
            other = chance.choice(seeds)
            begin = chance.randrange(len(other) + 1)
            content[start:end] = other[begin : begin + chance.randint(0, 60)]
        case _:
            content[start:end] = content[start:end] * chance.randint(2, 40)
