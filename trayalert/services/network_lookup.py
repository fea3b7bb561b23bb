"""Looks up this computer's own addresses and its proxy.

A look-up that may wait for a name server must be run with `run_in_daemon_thread`. If the name server hangs, only the
daemon thread waits, and the program can still end without delay.
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
"""Addresses that no computer has, because they are reserved for documentation. Nothing is sent to them."""


async def run_in_daemon_thread(call: Callable[[], Result]) -> Result:
    """Run `call` on a new daemon thread and return its result. If `call` raises an exception, raise that exception."""
    loop = asyncio.get_running_loop()
    future: asyncio.Future[Result] = loop.create_future()

    def settle(result: Callable[[], None]) -> None:
        if not future.done():  # already done if the caller was cancelled
            result()

    def run() -> None:
        try:
            result = partial(future.set_result, call())
        except Exception as error:  # noqa: BLE001 - raised where the result is awaited
            result = partial(future.set_exception, error)
        with contextlib.suppress(RuntimeError):  # the event loop has been closed
            loop.call_soon_threadsafe(settle, result)

    # a daemon thread, because asyncio waits for the threads of its thread pool when the program ends
    threading.Thread(target=run, name="lookup", daemon=True).start()
    return await future


def own_addresses() -> frozenset[str]:
    """Return the addresses from which this computer would send to the Internet: at most one IPv4 and one IPv6 address.

    The result is empty if there is no network. Finding the addresses sends nothing.
    """
    return frozenset(filter(None, (_own_address(*destination) for destination in _DOCUMENTATION_ADDRESSES)))


def _own_address(family: int, destination: str) -> str | None:
    with contextlib.suppress(OSError), socket.socket(family, socket.SOCK_DGRAM) as datagram_socket:
        datagram_socket.connect((destination, 9))
        return str(datagram_socket.getsockname()[0])
    return None


def proxy_for(scheme: str, host: str, port: int | None) -> str | None:
    """Return the URL of the proxy for a host, or None if no proxy is used for that host.

    Proxies are read from the environment. If the environment names no proxy, proxies are read from the system's
    settings. For a loopback host, only a proxy from the environment is used. No proxy is used for a host that NO_PROXY
    names. On Windows, this function may wait for a name server, so it must be run with `run_in_daemon_thread`.
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
