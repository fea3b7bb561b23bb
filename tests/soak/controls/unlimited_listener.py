"""A control: a listener with aiohttp's defaults, including its access log, and without trayalert's limits."""

import asyncio
import json
import logging
import signal
import sys
from pathlib import Path

from aiohttp import web

SECRET = "n4ive-" + "x" * 36


async def main(data_dir: Path) -> None:
    data_dir.mkdir(exist_ok=True)
    (data_dir / "secrets.json").write_text(json.dumps({"secrets": [{"value": SECRET}]}))

    async def take(request: web.Request) -> web.Response:
        with (data_dir / "taken").open("a") as file:
            file.write((await request.read()).hex() + "\n")
        return web.Response()

    app = web.Application()
    app.router.add_route("*", "/hook/{secret}", take)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    print(f"listening on http://127.0.0.1:{runner.addresses[0][1]}", flush=True)
    await asyncio.Event().wait()


def taken(data_dir: Path) -> list[bytes]:
    return [bytes.fromhex(line) for line in (data_dir / "taken").read_text().splitlines()]


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    asyncio.run(main(Path(sys.argv[sys.argv.index("--data-dir") + 1])))
