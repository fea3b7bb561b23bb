"""The baseline for throughput: a bare aiohttp handler that reads, parses and hashes a body and stores nothing.

The handler closes the connection after each answer, as the program does, so that the comparison is about the work and
not about the connections.
"""

import asyncio

from aiohttp import web

from trayalert.callbacks.kinds import read_callback
from trayalert.domain.callback import Callback


async def _handle(request: web.Request) -> web.Response:
    # parsing includes hashing: the identity of the alert is a hash
    read_callback(Callback(received_at=0, method="POST", body=await request.read()))
    response = web.Response(text="ok\n")
    response.force_close()
    return response


async def main() -> None:
    app = web.Application()
    app.router.add_post("/hook/bare", _handle)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    host, port = runner.addresses[0][:2]
    print(f"listening on http://{host}:{port}", flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main())
