"""Look-ups in this computer's network configuration: its own addresses and its proxy.

A look-up that waits for a name server runs on a daemon thread. If the name server hangs, only that thread waits, and
does not even delay the end of the program.
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
"""Addresses that are reserved for documentation, so that no computer has them. Nothing is sent to them."""


async def run_in_daemon_thread(call: Callable[[], Result]) -> Result:
    """Run a call on a thread of its own, and return its result. Raise what the call raises."""
    loop = asyncio.get_running_loop()
    future: asyncio.Future[Result] = loop.create_future()

    def settle(result: Callable[[], None]) -> None:
        if not future.done():  # false if the caller was cancelled
            result()

    def run() -> None:
        try:
            result = partial(future.set_result, call())
        except Exception as error:  # noqa: BLE001 - raised where the result is awaited
            result = partial(future.set_exception, error)
        with contextlib.suppress(RuntimeError):  # the loop has ended
            loop.call_soon_threadsafe(settle, result)

    # a daemon thread, because asyncio waits for the threads of its own pool when the program ends
    threading.Thread(target=run, name="lookup", daemon=True).start()
    return await future


def own_addresses() -> frozenset[str]:
    """Return the addresses from which this computer would send to the Internet: at most one IPv4 and one IPv6 address.

    The result is empty if there is no network. Nothing is sent to find the addresses.
    """
    return frozenset(filter(None, (_own_address(*destination) for destination in _DOCUMENTATION_ADDRESSES)))


def _own_address(family: int, destination: str) -> str | None:
    with contextlib.suppress(OSError), socket.socket(family, socket.SOCK_DGRAM) as datagram_socket:
        datagram_socket.connect((destination, 9))
        return str(datagram_socket.getsockname()[0])
    return None


def proxy_for(scheme: str, host: str, port: int | None) -> str | None:
    """Return the URL of the proxy for a host, or None if no proxy is used for that host.

    Proxies are read from the environment, or from the system's settings if the environment names none. A proxy from the
    system's settings is never used for this computer itself. A proxy from the environment is used for this computer,
    too, unless NO_PROXY names it. On Windows this call may wait for a name server.
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
