"""The source address of a callback cannot be forged by its headers."""

import pytest

from trayalert.domain.settings.settings import Settings
from trayalert.services.access.source_address import SenderOrigin, SourceAddresses, documented_networks

PROXIES = ("127.0.0.1/32", "10.0.0.0/8", "::1/128")


def sender_address(
    peer: str, forwarded: tuple[str, ...] = (), real: tuple[str, ...] = (), *, proxies: tuple[str, ...]
) -> str:
    values = {"X-Forwarded-For": forwarded, "X-Real-IP": real}
    return SourceAddresses(Settings(trusted_proxies=proxies)).sender_address(peer, lambda name: values[name])


@pytest.mark.parametrize("peer", ["6.6.6.6", "127.0.0.1", "2001:db8::1"])
def test_headers_mean_nothing_where_no_proxy_is_named(peer: str) -> None:
    assert sender_address(peer, ("47.74.206.1",), ("47.74.206.1",), proxies=()) == peer


def test_headers_mean_nothing_from_who_is_no_proxy() -> None:
    assert sender_address("6.6.6.6", ("47.74.206.1",), ("47.74.206.1",), proxies=PROXIES) == "6.6.6.6"


@pytest.mark.parametrize(
    ("forwarded", "real", "found"),
    [
        (("47.74.206.1",), (), "47.74.206.1"),
        # the sender wrote the first address, and the proxy added the second
        (("6.6.6.6, 47.74.206.1",), (), "47.74.206.1"),
        (("6.6.6.6", "47.74.206.1"), (), "47.74.206.1"),
        (("47.74.206.1, 10.1.2.3",), (), "47.74.206.1"),  # two proxies, one behind the other
        (("47.74.206.1,10.1.2.3 , 127.0.0.1",), (), "47.74.206.1"),
        (("::ffff:47.74.206.1",), (), "47.74.206.1"),
        (("2001:db8::7",), (), "2001:db8::7"),
        (("6.6.6.6, 47.74.206.1:50123",), (), "47.74.206.1"),  # some gateways write the port, too
        (("[2001:db8::7]:50123, 10.1.2.3:80",), (), "2001:db8::7"),
        (("[2001:db8::7]",), (), "2001:db8::7"),
        (("47.74.206.1:80:80",), (), "127.0.0.1"),
        ((), ("47.74.206.1:50123",), "47.74.206.1"),
        (("10.1.2.3",), (), "127.0.0.1"),
        (("",), (), "127.0.0.1"),
        (("nonsense",), (), "127.0.0.1"),
        (("47.74.206.1, nonsense",), (), "127.0.0.1"),
        (("47.74.206.1, <script>",), ("6.6.6.6",), "6.6.6.6"),
        ((), ("47.74.206.1",), "47.74.206.1"),
        (("47.74.206.1",), ("47.74.206.1",), "47.74.206.1"),
        # two proxies, one behind the other, which write both headers
        (("47.74.206.1, 10.1.2.3",), ("10.1.2.3",), "47.74.206.1"),
        # a proxy writes one of the two headers, and passes on the other header as the sender wrote it
        (("121.41.9.246",), ("6.6.6.6",), "6.6.6.6"),
        (("6.6.6.6",), ("121.41.9.246",), "6.6.6.6"),
        ((), ("47.74.206.1", "6.6.6.6"), "6.6.6.6"),
        (("47.74.206.1",), ("121.41.9.246",), "127.0.0.1"),
        (("6.6.6.6," * 5000 + "47.74.206.1",), (), "47.74.206.1"),
        (("6.6.6.6" + ",10.1.2.3" * 40,), (), "127.0.0.1"),  # longer than any real chain of proxies
        ((), ("nonsense",), "127.0.0.1"),
        ((), (), "127.0.0.1"),
    ],
)
def test_a_trusted_proxy_names_the_last_that_is_no_proxy(
    forwarded: tuple[str, ...], real: tuple[str, ...], found: str
) -> None:
    assert sender_address("127.0.0.1", forwarded, real, proxies=PROXIES) == found


def test_an_address_of_ipv4_is_one_however_it_is_written() -> None:
    assert sender_address("::ffff:6.6.6.6", proxies=()) == "6.6.6.6"
    assert sender_address("::ffff:127.0.0.1", ("6.6.6.6",), proxies=PROXIES) == "6.6.6.6"
    assert sender_address("fe80::1%eth0", proxies=()) == "fe80::1"


@pytest.mark.parametrize(
    ("address", "origin"),
    [
        ("47.74.206.1", SenderOrigin.CLOUD_MONITOR),
        ("47.74.206.255", SenderOrigin.CLOUD_MONITOR),
        ("47.74.207.0", SenderOrigin.OTHER),
        ("8.222.159.116", SenderOrigin.CLOUD_MONITOR),
        ("8.222.159.117", SenderOrigin.OTHER),
        ("121.41.9.246", SenderOrigin.CLOUD_MONITOR),
        ("59.82.3.4", SenderOrigin.CLOUD_MONITOR),
        ("::ffff:59.82.3.4", SenderOrigin.CLOUD_MONITOR),
        ("6.6.6.6", SenderOrigin.OTHER),
        ("2606:4700::1", SenderOrigin.OTHER),
        ("127.0.0.1", SenderOrigin.UNKNOWN),
        ("::1", SenderOrigin.UNKNOWN),
        ("192.168.1.7", SenderOrigin.UNKNOWN),
        ("fe80::1%eth0", SenderOrigin.UNKNOWN),
        ("", SenderOrigin.UNKNOWN),
        ("nonsense", SenderOrigin.UNKNOWN),
    ],
)
def test_an_address_is_cloud_monitors_where_its_documentation_says_so(address: str, origin: SenderOrigin) -> None:
    assert SourceAddresses(Settings()).origin(address) is origin


def test_the_admin_may_name_more_addresses() -> None:
    addresses = SourceAddresses(Settings(more_cloud_monitor_addresses=("192.168.1.0/24",)))

    assert addresses.origin("192.168.1.7") is SenderOrigin.CLOUD_MONITOR
    assert addresses.origin("192.168.2.7") is SenderOrigin.UNKNOWN


def test_others_are_refused_only_where_the_admin_wants_it_and_the_unknown_never() -> None:
    assert SourceAddresses(Settings()).admits("6.6.6.6")
    strict = SourceAddresses(Settings(only_cloud_monitor=True))
    assert [strict.admits(sender) for sender in ("47.74.206.1", "6.6.6.6", "127.0.0.1", "")] == [
        True,
        False,
        True,
        True,
    ]


def test_the_documented_networks_are_all_there() -> None:
    assert len(documented_networks()) == 17
