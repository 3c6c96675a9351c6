"""Connections to checked addresses only, within limits of time that a dripping server cannot pass.

A name is looked up once, all that it leads to is checked, and the connection goes to the numbers
that were checked: a name that leads elsewhere a moment later is not asked again.
"""

import ssl
import time
from collections.abc import Callable, Iterable

import httpcore

from core.datasets.urls import addresses
from core.datasets.urls.addresses import FetchError

SLICE_SECONDS = 0.25
"""How long a read waits before it looks whether it was called off."""


class CalledOffError(Exception):
    """A stop came before the answer."""


class Clock:
    """How much time one fetch has left over all its connections, and whether it was called off."""

    def __init__(self, seconds: float, called_off: Callable[[], bool]) -> None:
        self._seconds = seconds
        self._end = time.monotonic() + seconds
        self._called_off = called_off

    def left(self, at_most: float | None) -> float:
        """Give the seconds that one step may take; raises FetchError, or CalledOffError."""
        if self._called_off():
            raise CalledOffError
        left = self._end - time.monotonic()
        if left <= 0:
            raise FetchError(f"takes longer than {self._seconds:g} s in all")
        return left if at_most is None else max(0.001, min(left, at_most))


class Backend(httpcore.NetworkBackend):
    """Opens connections for httpcore: looks up, checks, and connects to what was checked."""

    def __init__(self, clock: Clock, *, allow_private: bool) -> None:
        self._clock = clock
        self._allow_private = allow_private
        self._plain = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        """Connect to the first address of a host that answers; all share the `timeout`."""
        ips = addresses.resolve(host, port, allow_private=self._allow_private)
        end = None if timeout is None else time.monotonic() + timeout
        failure: Exception = FetchError("names a host without an address")
        for tried, ip in enumerate(ips):
            share = None if end is None else (end - time.monotonic()) / (len(ips) - tried)
            try:
                return Stream(self._connect(ip, port, share), self._clock)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failure = error
        raise failure

    def _connect(self, ip: str, port: int, timeout: float | None) -> httpcore.NetworkStream:
        return self._plain.connect_tcp(ip, port, timeout=self._clock.left(timeout))


class Stream(httpcore.NetworkStream):
    """A connection whose every step also ends when the fetch's time does."""

    def __init__(self, plain: httpcore.NetworkStream, clock: Clock) -> None:
        self._plain = plain
        self._clock = clock

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """Read what has arrived; waits in slices, so that a stop is seen soon."""
        end = None if timeout is None else time.monotonic() + timeout
        while True:
            rest = SLICE_SECONDS if end is None else min(SLICE_SECONDS, end - time.monotonic())
            try:
                return self._plain.read(max_bytes, timeout=self._clock.left(rest))
            except httpcore.ReadTimeout:
                if end is not None and time.monotonic() >= end:
                    raise

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """Write all of a buffer."""
        self._plain.write(buffer, timeout=self._clock.left(timeout))

    def close(self) -> None:
        """Close the connection."""
        self._plain.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore.NetworkStream:
        """Go on encrypted, once the server has proved to be `server_hostname`."""
        left = self._clock.left(timeout)
        try:
            sealed = self._plain.start_tls(ssl_context, server_hostname, left)
        except ValueError as error:  # of the name itself: what a server does wrong is none
            raise FetchError("names a host that cannot exist") from error
        return Stream(sealed, self._clock)

    def get_extra_info(self, info: str) -> object:
        """Tell about the connection what httpcore wants to know."""
        return self._plain.get_extra_info(info)
