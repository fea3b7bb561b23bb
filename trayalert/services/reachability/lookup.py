"""What this computer's network knows: addresses of names, its own, and the proxy that asks for it.

Nothing here waits for long: a name server that hangs keeps a thread that nobody waits for, not even the program's end.
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
    """Return what the call does, made on a thread of its own. Raise OSError or ValueError as it does."""
    loop = asyncio.get_running_loop()
    future: asyncio.Future[Result] = loop.create_future()

    def settle(result: Callable[[], None]) -> None:
        if not future.done():  # else nobody waits any more
            result()

    def run() -> None:
        try:
            result = partial(future.set_result, call())
        except (OSError, ValueError) as error:
            result = partial(future.set_exception, error)
        with contextlib.suppress(RuntimeError):  # the loop has ended
            loop.call_soon_threadsafe(settle, result)

    # a daemon: those of the loop's own pool are waited for when the program ends
    threading.Thread(target=run, name="lookup", daemon=True).start()
    return await future


def own_addresses() -> frozenset[str]:
    """Return the addresses that this computer would use on the Internet; none: it has no network. Nothing is sent."""
    return frozenset(
        filter(None, (_own_address(family, destination) for family, destination in _DOCUMENTATION_ADDRESSES))
    )


def _own_address(family: int, destination: str) -> str | None:
    with contextlib.suppress(OSError), socket.socket(family, socket.SOCK_DGRAM) as datagram_socket:
        datagram_socket.connect((destination, 9))
        return str(datagram_socket.getsockname()[0])
    return None


def proxy_for(scheme: str, host: str, port: int | None) -> str | None:
    """Return the URL of the proxy that the environment, or else the system, names for an address; None: no proxy.

    A system's settings say nothing of this computer itself. Those of the environment do, unless NO_PROXY takes it out.
    Windows may ask a name server for it.
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
