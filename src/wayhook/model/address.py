"""Which addresses are public: the ranges of reliability section 9, word for word. No I/O.

The language's own `is_global` and `is_private` are not asked: they differ between versions, and call some of these
public.
"""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

__all__ = ["LOOPBACK", "METADATA", "PRIVATE", "Address", "Network", "closed_range", "is_within", "literal_address"]

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network


def _networks(text: str) -> tuple[Network, ...]:
    return tuple(map(ip_network, text.split()))


_NOT_PUBLIC = _networks(
    """
    0.0.0.0/8 10.0.0.0/8 100.64.0.0/10 127.0.0.0/8 169.254.0.0/16 172.16.0.0/12 192.0.0.0/24 192.0.2.0/24
    192.88.99.0/24 192.168.0.0/16 198.18.0.0/15 198.51.100.0/24 203.0.113.0/24 224.0.0.0/4 240.0.0.0/4
    ::/96 ::ffff:0:0/96 ::ffff:0:0:0/96 64:ff9b::/96 64:ff9b:1::/48 100::/64 100:0:0:1::/64 2001::/23 2001:db8::/32
    2002::/16 3fff::/20 5f00::/16 fc00::/7 fe80::/10 fec0::/10 ff00::/8
    """
)
LOOPBACK = _networks("127.0.0.0/8 ::1/128")
PRIVATE = LOOPBACK + _networks("10.0.0.0/8 100.64.0.0/10 172.16.0.0/12 192.168.0.0/16 fc00::/7")
"""What a host that a policy names may lead to, but for `METADATA`: not link-local, and nothing translated."""
METADATA = _networks(
    """
    100.100.100.200/32 fd00:42::42/128 fd00:100::100:200/128 fd00:a9fe:a9fe::1/128 fd00:c1::a9fe:a9fe/128
    fd00:ec2::/32 fd20:ce::254/128
    """
)
"""The metadata services of clouds in private ranges; most are link-local."""


def closed_range(address: Address) -> Network | None:
    """Return the range that keeps `address` from being public, or None for a public one.

    A mapped or translated IPv4 address is in such a range, whatever it stands for.
    """
    return next((network for network in _NOT_PUBLIC if address in network), None)


def is_within(address: Address, networks: tuple[Network, ...]) -> bool:
    """Whether `address` lies in one of `networks`."""
    return any(address in network for network in networks)


def literal_address(host: str) -> Address | None:
    """Return the address that `host` spells out, in brackets or not; None for a name."""
    try:
        return ip_address(host.strip("[]"))
    except ValueError:
        return None
