"""Public addresses: where a URL may lead, when it was written by somebody else.

host name -> the addresses to connect to, or a refusal. Whoever connects uses what is returned here
and does not look the name up again: it may say something else by then (DNS rebinding).
"""

from __future__ import annotations

import ipaddress
import socket
from typing import TypeAlias

from filesearch.errors import InvalidFile, NotFound

Address: TypeAlias = ipaddress.IPv4Address | ipaddress.IPv6Address

# Answers for machines of Azure alone, at an address that counts as public.
_METADATA = frozenset({ipaddress.ip_address("168.63.129.16")})
_EMBEDDING = tuple(
    ipaddress.ip_network(network)
    for network in (
        "64:ff9b::/96",  # RFC 6052
        "::/96",  # "IPv4-compatible", RFC 4291
        "::ffff:0:0:0/96",  # "IPv4-translated", RFC 2765
    )
)
"""IPv6 networks whose addresses end in the IPv4 address that they stand for."""
# For special purposes (IANA), which older Pythons do not know of: local NAT64, protocol
# assignments, documentation, segment routing.
_SPECIAL = tuple(
    map(ipaddress.ip_network, ("64:ff9b:1::/48", "192.0.0.0/24", "3fff::/20", "5f00::/16"))
)


def find_addresses(host: str, port: int, *, allow_private: bool = False) -> list[Address]:
    """Return the addresses of a host, in the order in which they are to be tried.

    Args:
        host: A name or an address, in any spelling that the system knows.
        port: To connect to.
        allow_private: Take any address.

    Raises:
        NotFound: The name is unknown.
        InvalidFile: One of its addresses is not public.
    """
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise NotFound(f"the host '{host}' is unknown: {error}; check the URL") from error
    addresses = list(dict.fromkeys(ipaddress.ip_address(str(entry[4][0])) for entry in found))
    for address in addresses:
        if not allow_private and not is_public(address):
            raise InvalidFile(
                f"'{host}' is at {address}, which is not a public address; what is there is not "
                "fetched: save it as a file and ingest that"
            )
    return addresses


def is_public(address: Address) -> bool:
    """Return whether an address is one of the internet at large.

    Not those of this machine, of private and local networks, of machine metadata, multicast, nor
    an IPv6 address that stands for such an IPv4 address.
    """
    if isinstance(address, ipaddress.IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour or (address.teredo or (None, None))[1]
        if inner is None and any(address in network for network in _EMBEDDING):
            inner = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
        if inner is not None:
            return is_public(inner)
        if address.scope_id or address.is_site_local:
            return False
    if any(address in network for network in _SPECIAL):
        return False
    return address.is_global and not address.is_multicast and address not in _METADATA
