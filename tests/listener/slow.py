"""`python -m tests.listener.slow HOST PORT COUNT`: slow strangers, until a line comes on stdin.

Then it says as JSON for how many seconds one of them could stay at the most.
"""

import asyncio
import json
import sys
import time

PAUSE = 0.25


async def knock(host: str, port: int, visits: list[float], there: asyncio.Semaphore) -> None:
    begun = time.monotonic()
    try:
        reader, writer = await asyncio.open_connection(host, port)
        there.release()
        writer.write(b"POST /hook/x HTTP/1.1\r\nHost: door\r\nX: ")
        try:
            while True:
                try:
                    async with asyncio.timeout(1):
                        if not await reader.read(1):
                            break
                except TimeoutError:
                    writer.write(b"x")
        finally:
            writer.close()
    except OSError:
        pass
    visits.append(time.monotonic() - begun)


async def stay(host: str, port: int, visits: list[float], there: asyncio.Semaphore) -> None:
    while True:
        await knock(host, port, visits, there)
        await asyncio.sleep(PAUSE)


async def main(host: str, port: int, count: int) -> None:
    visits: list[float] = []
    there = asyncio.Semaphore(0)
    tasks = [asyncio.create_task(stay(host, port, visits, there)) for _ in range(count)]
    for _ in range(count):
        await there.acquire()
    print("all are there", flush=True)
    await asyncio.to_thread(sys.stdin.readline)
    for task in tasks:
        task.cancel()
    print(json.dumps(max(visits, default=0)))


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3])))
