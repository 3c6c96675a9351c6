"""Web addresses: read strictly, and looked up once; those that lead inside are refused."""

import ipaddress
import re
import socket
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import SplitResult, quote, urlsplit

MAX_CHARACTERS = 4000
PORTS = {"http": 80, "https": 443}

_UNKNOWN = (socket.EAI_NONAME, socket.EAI_NODATA)
_ODD = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
_HOST = re.compile(r"[a-z0-9_.-]{1,253}")
_PATH_SIGNS = "/%:@!$&'()*+,;=~"  # stay as they are; what is percent-encoded stays so too
_QUERY_SIGNS = _PATH_SIGNS + "?"

# What `is_global` lets through although it leads inside, or nowhere. Of IPv6 only 2000::/3 is
# handed out to the public; Teredo and 6to4 tunnels hide an IPv4 address within it.
_PUBLIC_V6 = ipaddress.IPv6Network("2000::/3")
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
_REFUSED = tuple(
    ipaddress.ip_network(network)
    for network in (
        "192.0.0.0/24",  # protocol assignments; a cloud keeps its machines' secrets at .192
        "192.88.99.0/24",  # relays of 6to4
        "168.63.129.16/32",  # a cloud's own service for its machines
        "2001::/32",  # Teredo
        "3fff::/20",  # documentation
    )
)
Ip = ipaddress.IPv4Address | ipaddress.IPv6Address


class FetchError(Exception):
    """Carry why an address gives no file, in words that follow it."""

    def __init__(self, reason: str, *, retryable: bool = False) -> None:
        super().__init__(reason)
        self.reason = reason
        self.retryable = retryable  # trying again soon may help


@dataclass(frozen=True, kw_only=True)
class Address:
    """An http or https address whose parts are plain ASCII and safe to send."""

    scheme: str
    host: str  # a name, or an IP address without brackets
    port: int
    target: str  # path and query

    @property
    def authority(self) -> str:
        """Write host and port as the Host header has them."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == PORTS[self.scheme] else f"{host}:{self.port}"

    @property
    def url(self) -> str:
        """Write the address as one text, without a fragment."""
        return f"{self.scheme}://{self.authority}{self.target}"


def parse(url: str) -> Address:
    """Read an address; raises FetchError for what is not plain http or https."""
    if len(url) > MAX_CHARACTERS:
        raise FetchError(f"is longer than {MAX_CHARACTERS} characters")
    if _ODD.search(url):
        raise FetchError("has a control character in it")
    try:
        parts = urlsplit(url)
    except ValueError as error:
        raise FetchError("is not an address that can be read") from error
    if parts.scheme not in PORTS:
        raise FetchError("does not begin with http:// or https://")
    if "@" in parts.netloc:
        raise FetchError("carries a user name or a password")
    return Address(
        scheme=parts.scheme,
        host=_host(parts.hostname or ""),
        port=_port(parts),
        target=_target(parts),
    )


def resolve(host: str, port: int, *, allow_private: bool = False) -> list[str]:
    """Look a host up and give its IP addresses; raises FetchError if any of them leads inside.

    `getaddrinfo` also reads the odd spellings, such as 2130706433 or 0x7f.1 for 127.0.0.1. It
    knows no time limit: the machine's resolver gives up by its own settings.
    """
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, proto=socket.IPPROTO_TCP)
    except socket.gaierror as error:
        if error.errno == socket.EAI_AGAIN:
            raise FetchError(
                "names a host that cannot be looked up now", retryable=True
            ) from error
        raise FetchError("names a host that does not exist") from error
    except UnicodeError as error:
        raise FetchError("names a host that cannot exist") from error
    texts = list(dict.fromkeys(str(one[4][0]) for one in found))
    for text in texts:
        if not allow_private and not is_public(ipaddress.ip_address(text)):
            raise FetchError(f"leads to an address inside this machine or its network ({text})")
    return texts


def is_public(ip: Ip) -> bool:
    """Say whether an IP address, and one that is hidden within it, is of the open internet."""
    if isinstance(ip, ipaddress.IPv6Address):
        inner = _hidden(ip)
        if inner is not None:
            return is_public(inner)
        if ip not in _PUBLIC_V6:
            return False
    refused = any(ip in network for network in _REFUSED if network.version == ip.version)
    return ip.is_global and not ip.is_multicast and not refused


def _hidden(ip: ipaddress.IPv6Address) -> ipaddress.IPv4Address | None:
    """Give the IPv4 address that a mapped, 6to4 or NAT64 address stands for."""
    if ip in _NAT64:
        return ipaddress.IPv4Address(int(ip) & 0xFFFF_FFFF)
    return ip.ipv4_mapped or ip.sixtofour


@lru_cache(maxsize=4096)
def _host(name: str) -> str:
    if not name:
        raise FetchError("names no host")
    if ":" in name:
        return _ip_v6(name)
    try:
        host = name.encode("idna").decode("ascii").lower()
        host.encode("idna")  # some signs became dots just now, and left a part empty
    except UnicodeError as error:
        raise FetchError("names a host that cannot exist") from error
    if not _HOST.fullmatch(host):
        raise FetchError("names a host that cannot exist")
    return host


def _ip_v6(name: str) -> str:
    try:
        ip = ipaddress.IPv6Address(name)
    except ValueError as error:
        raise FetchError("names a host that cannot exist") from error
    if ip.scope_id is not None:
        raise FetchError("names a network card of this machine")
    return str(ip)


def _port(parts: SplitResult) -> int:
    try:
        port = parts.port
    except ValueError as error:
        raise FetchError("names a port that does not exist") from error
    if port == 0:
        raise FetchError("names a port that does not exist")
    return port or PORTS[parts.scheme]


def _target(parts: SplitResult) -> str:
    path = quote(parts.path or "/", safe=_PATH_SIGNS)
    return path + ("?" + quote(parts.query, safe=_QUERY_SIGNS) if parts.query else "")
