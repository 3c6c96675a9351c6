"""One file from the web, within limits of size, time and redirects, and from public places only.

Proxies that the environment names are not used: a proxy would look the names up itself, out of
reach of the checks.
"""

import functools
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from urllib.parse import urljoin

import certifi
import httpcore

from core.datasets.urls import addresses, connecting
from core.datasets.urls.addresses import Address, FetchError
from core.datasets.urls.connecting import CalledOffError
from core.store import version

__all__ = ["CalledOffError", "FetchError", "Fetched", "Limits", "fetch"]

REDIRECTS = frozenset({301, 302, 303, 307, 308})
PASSING = frozenset({408, 425, 429, 500, 502, 503, 504})
"""Answers that may be another one soon."""

USER_AGENT = f"Winnow/{version.VERSION} (image downloader)"


@dataclass(frozen=True, kw_only=True)
class Limits:
    """How much one fetch may take."""

    max_bytes: int = 25_000_000
    connect_seconds: float = 10.0
    read_seconds: float = 15.0  # of silence
    total_seconds: float = 60.0  # with all redirects
    max_redirects: int = 5


@dataclass(frozen=True, kw_only=True)
class Fetched:
    """What an address gave, after all redirects."""

    content: bytes
    url: str


@dataclass(frozen=True, kw_only=True)
class _Asked:
    """What one fetch keeps to, over all its connections."""

    limits: Limits
    clock: connecting.Clock
    allow_private: bool


def fetch(
    url: str,
    *,
    limits: Limits | None = None,
    allow_private: bool = False,
    called_off: Callable[[], bool] = lambda: False,
) -> Fetched:
    """Fetch an address; each redirect is checked as the address itself was.

    Raises FetchError with the reason in words that follow the address, and CalledOffError where
    `called_off` says yes meanwhile.
    """
    limits = limits or Limits()
    clock = connecting.Clock(limits.total_seconds, called_off)
    asked = _Asked(limits=limits, clock=clock, allow_private=allow_private)
    address = addresses.parse(url)
    answer = _get(address, asked)
    seen = {address}
    while isinstance(answer, str):
        if len(seen) > limits.max_redirects:
            raise FetchError(f"is redirected more than {limits.max_redirects} times")
        shown = answer if len(answer) <= 100 else f"{answer[:99]}…"
        try:
            address = _joined(address, answer)
            if address in seen:
                raise FetchError("was asked before: a circle")
            seen.add(address)
            answer = _get(address, asked)
        except FetchError as error:
            words = f"is redirected to {shown}, which {error.reason}"
            raise FetchError(words, retryable=error.retryable) from error
    return answer


def _joined(address: Address, target: str) -> Address:
    try:
        url = urljoin(address.url, target)
    except ValueError as error:
        raise FetchError("is not an address that can be read") from error
    return addresses.parse(url)


def _get(address: Address, asked: _Asked) -> Fetched | str:
    """Ask once; gives the file, or where it is to be asked for instead."""
    limits = asked.limits
    headers = [
        ("Host", address.authority),
        ("User-Agent", USER_AGENT),
        ("Accept", "image/*,*/*;q=0.5"),
        ("Accept-Encoding", "identity"),
        ("Connection", "close"),
    ]
    seconds = {"connect": limits.connect_seconds, "read": limits.read_seconds}
    url = httpcore.URL(
        scheme=address.scheme, host=address.host, port=address.port, target=address.target
    )
    backend = connecting.Backend(asked.clock, allow_private=asked.allow_private)
    with (
        _in_words(limits),
        httpcore.ConnectionPool(ssl_context=_tls(), network_backend=backend) as pool,
        pool.stream(
            "GET",
            url,
            headers=headers,
            extensions={"timeout": {**seconds, "write": limits.read_seconds}},
        ) as response,
    ):
        given = {name.lower(): value for name, value in response.headers}
        if response.status in REDIRECTS and b"location" in given:
            return _text(given[b"location"])
        _check(response.status, given, limits)
        content = _read(response, limits)
    return Fetched(content=content, url=address.url)


def _check(status: int, given: dict[bytes, bytes], limits: Limits) -> None:
    """Refuse what need not be read; raises FetchError."""
    if status != 200:
        raise FetchError(f"answers {status}", retryable=status in PASSING)
    if given.get(b"content-encoding", b"").strip().lower() not in (b"", b"identity"):
        raise FetchError("comes compressed, which was not asked for")
    promised = given.get(b"content-length", b"")
    if promised.isdigit() and int(promised) > limits.max_bytes:
        raise _too_large(limits)


def _read(response: httpcore.Response, limits: Limits) -> bytes:
    content = bytearray()
    for chunk in response.iter_stream():
        content += chunk
        if len(content) > limits.max_bytes:
            raise _too_large(limits)
    return bytes(content)


def _too_large(limits: Limits) -> FetchError:
    return FetchError(f"is larger than {limits.max_bytes / 1e6:g} MB")


def _text(value: bytes) -> str:
    try:
        return value.decode()
    except UnicodeDecodeError:
        return value.decode("latin-1")


@functools.cache
def _tls() -> ssl.SSLContext:
    return ssl.create_default_context(cafile=certifi.where())


@contextmanager
def _in_words(limits: Limits) -> Iterator[None]:
    """Turn what httpcore raises into FetchError."""
    try:
        yield
    except httpcore.ConnectTimeout as error:
        words = f"cannot be connected to within {limits.connect_seconds:g} s"
        raise FetchError(words, retryable=True) from error
    except httpcore.TimeoutException as error:
        words = f"is silent for longer than {limits.read_seconds:g} s"
        raise FetchError(words, retryable=True) from error
    except httpcore.ConnectError as error:
        raise _unconnected(error) from error
    except httpcore.NetworkError as error:
        raise FetchError("breaks off before its end", retryable=True) from error
    except httpcore.RemoteProtocolError as error:
        words = "breaks off before its end, or does not answer in HTTP"
        raise FetchError(words, retryable=True) from error


def _unconnected(error: httpcore.ConnectError) -> FetchError:
    cause = error.args[0] if error.args else None  # httpcore cuts the chain of causes
    if isinstance(cause, ssl.SSLCertVerificationError):
        return FetchError(f"has a certificate that proves nothing ({cause.verify_message})")
    if isinstance(cause, ssl.SSLError):
        return FetchError("cannot agree with Winnow on an encrypted connection")
    words = (cause.strerror if isinstance(cause, OSError) else None) or "no reason was given"
    return FetchError(f"cannot be connected to ({words})", retryable=True)
