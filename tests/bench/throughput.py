"""Measures how many callbacks a second become durable, compared with a handler that stores nothing.

Also measures whether the row of a callback can be read as soon as its 200 arrives.
"""

import os
import re
import statistics
import subprocess
import sys
import time
from pathlib import Path

from tests.bench.figures import Figure, percentile
from tests.desktop.harness.application import threshold
from tests.desktop.harness.desktop_programs import Program, wait_until
from tests.program import serving
from trayalert.domain.callback import FORM
from trayalert.services.simulator.client import CallbackSender
from trayalert.services.simulator.payloads import SimulatedRequest
from trayalert.storage.reader import Reader

CONNECTIONS, SECONDS, ROUNDS = 16, 4, 5
RESOURCES = 200

_LUA = """
local count, base = 0, {base}
function request()
  count = count + 1
  local body = [[{body}]]
  body = body:gsub("INSTANCE", string.format("i-bp%05d", count % {resources}), 1)
  body = body:gsub("TIMESTAMP", string.format("%d", base + {step} * count), 1)
  return wrk.format("POST", nil, {{["Content-Type"] = "application/x-www-form-urlencoded; charset=UTF-8"}}, body)
end
"""


def measure(folder: Path) -> list[Figure]:
    return [*_throughput(folder), *_visible(folder)]


def _throughput(folder: Path) -> list[Figure]:
    output_path = folder / "bare.out"
    bare = Program([sys.executable, "-m", "tests.bench.bare"], env=os.environ, log=output_path)
    wait_until(lambda: "listening on" in output_path.read_text(), "the bare handler listens")
    bare_url = output_path.read_text().split()[-1] + "/hook/bare"
    rates: dict[str, list[float]] = {"bare": [], "alerts": [], "retries": []}
    ratios: dict[str, list[float]] = {"alerts": [], "retries": []}
    with serving(folder / "data") as instance:
        for turn in range(ROUNDS):
            for kind, step in (("alerts", 1), ("retries", 0)):
                # measure each pair back to back, so that a change of the CPU's clock rate affects both equally
                script = _script(folder, turn, step)
                bare_rate, rate = _rate(bare_url, script), _rate(instance.url, script)
                rates["bare"].append(bare_rate)
                rates[kind].append(rate)
                ratios[kind].append(rate / bare_rate)
    bare.stop()
    return [
        Figure("bare handler", statistics.median(rates["bare"]), "/s", note=f"{CONNECTIONS} connections, aiohttp"),
        Figure("durable alerts", statistics.median(rates["alerts"]), "/s", note=f"each new, of {RESOURCES} resources"),
        Figure("durable alerts / bare", statistics.median(ratios["alerts"]), "", (">=", 0.80), "median of pairs"),
        Figure("durable retries", statistics.median(rates["retries"]), "/s", note="the same body again and again"),
        Figure("durable retries / bare", statistics.median(ratios["retries"]), "", (">=", 0.80), "median of pairs"),
    ]


def _script(folder: Path, turn: int, step: int) -> Path:
    body = threshold("INSTANCE", timestamp="TIMESTAMP", transId="").decode()
    script = folder / f"callbacks-{turn}-{step}.lua"
    base = 1_700_000_000_000 + turn * 1_000_000_000
    # the braces are doubled for str.format; the % needs no escape: it is special only in the replacement of Lua's gsub
    script.write_text(_LUA.format(base=base, body=body, resources=RESOURCES if step else 1, step=step))
    return script


def _rate(url: str, script: Path) -> float:
    command = ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{SECONDS}", "-s", str(script), url]
    output = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    if "Non-2xx" in output or "Socket errors" in output:
        raise RuntimeError(f"not every callback was accepted:\n{output}")
    match = re.search(r"Requests/sec:\s+([0-9.]+)", output)
    assert match
    return float(match[1])


def _visible(folder: Path) -> list[Figure]:
    late, lengths = 0, []
    with serving(folder / "visible") as instance:
        post, reader = CallbackSender(instance.url), Reader(instance.data_dir / "trayalert.db")
        for number in range(300):
            begun = time.perf_counter()
            sent = post.send(SimulatedRequest(content_type=FORM, body=threshold(f"i-{number}")))
            lengths.append((time.perf_counter() - begun) * 1000)
            assert sent.accepted
            late += next(reader.alerts(limit=1)).id != number + 1
        reader.close()
        post.close()
    return [
        Figure("200, but no row yet", late, "of 300", ("<=", 0), "read by another connection at once"),
        Figure("a lone callback, p50", percentile(lengths, 0.5), "ms"),
        Figure("a lone callback, p95", percentile(lengths, 0.95), "ms"),
    ]
