"""Look-ups of this computer's addresses and proxies."""

import ipaddress
import threading
import urllib.request

import pytest

from trayalert.services.network_lookup import own_addresses, proxy_for, run_in_daemon_thread


def test_the_systems_proxy_is_not_asked_for_this_computer_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(urllib.request, "getproxies", lambda: {"http": "proxy.example:3128"})
    monkeypatch.setattr(urllib.request, "getproxies_environment", dict)
    monkeypatch.setattr(urllib.request, "proxy_bypass", lambda _: False)

    assert proxy_for("http", "alerts.example.com", None) == "http://proxy.example:3128"
    assert [proxy_for("http", host, 80) for host in ("127.0.0.1", "::1", "localhost")] == [None] * 3


def test_the_own_addresses_are_addresses_of_this_computer() -> None:
    assert all(ipaddress.ip_address(address.partition("%")[0]) for address in own_addresses())


async def test_a_call_runs_on_a_daemon_thread_and_its_failure_is_raised() -> None:
    assert await run_in_daemon_thread(lambda: threading.current_thread().daemon)
    with pytest.raises(ValueError, match="invalid literal"):
        await run_in_daemon_thread(lambda: int("x"))
