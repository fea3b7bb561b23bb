"""Look-ups in this computer's network: its own addresses, and its proxy.

A name server that hangs keeps only a daemon thread, which delays nothing, not even the end of the program.
"""

import asyncio
import contextlib
import ipaddress
import socket
import threading
import urllib.request
from collections.abc import Callable
from functools import partial
from typing import TypeVar

Result = TypeVar("Result")

_DOCUMENTATION_ADDRESSES = ((socket.AF_INET, "192.0.2.1"), (socket.AF_INET6, "2001:db8::1"))
"""Addresses that no computer has. Nothing is sent there."""


async def run_in_daemon_thread(call: Callable[[], Result]) -> Result:
    """Return the result of a call on a thread of its own. Raise what the call raises."""
    loop = asyncio.get_running_loop()
    future: asyncio.Future[Result] = loop.create_future()

    def settle(result: Callable[[], None]) -> None:
        if not future.done():  # else nobody waits
            result()

    def run() -> None:
        try:
            result = partial(future.set_result, call())
        except Exception as error:  # noqa: BLE001 - raised where the result is awaited
            result = partial(future.set_exception, error)
        with contextlib.suppress(RuntimeError):  # the loop has ended
            loop.call_soon_threadsafe(settle, result)

    # a daemon, as the program's end waits for the threads of the loop's own pool
    threading.Thread(target=run, name="lookup", daemon=True).start()
    return await future


def own_addresses() -> frozenset[str]:
    """Return the addresses that this computer would use on the Internet, none without a network. Sends nothing."""
    return frozenset(filter(None, (_own_address(*destination) for destination in _DOCUMENTATION_ADDRESSES)))


def _own_address(family: int, destination: str) -> str | None:
    with contextlib.suppress(OSError), socket.socket(family, socket.SOCK_DGRAM) as datagram_socket:
        datagram_socket.connect((destination, 9))
        return str(datagram_socket.getsockname()[0])
    return None


def proxy_for(scheme: str, host: str, port: int | None) -> str | None:
    """Return the URL of the proxy for a host, from the environment or else the system; None: no proxy.

    The system's settings do not hold for this computer itself; those of the environment do, unless NO_PROXY names it.
    Windows may ask a name server.
    """
    proxies = urllib.request.getproxies()
    proxy = proxies.get(scheme) or proxies.get("all")
    if not proxy or (_is_loopback(host) and not urllib.request.getproxies_environment()):
        return None
    host_and_port = f"{host}:{port}" if port else host
    if urllib.request.proxy_bypass(host_and_port) or urllib.request.proxy_bypass(host):
        return None
    return proxy if "://" in proxy else f"http://{proxy}"


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host.lower().rstrip(".") == "localhost"
