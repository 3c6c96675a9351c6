"""Whose turn it is: addresses by host, so that no server is asked for much at once."""

from collections import Counter, deque
from collections.abc import Iterable
from urllib.parse import urlsplit

from core.datasets.urls.downloads import Download

A_HOST = 2
"""So many at once of one host."""


class Turns:
    """Gives out rows, hosts by turns, and in their order within a host."""

    def __init__(self, rows: Iterable[Download]) -> None:
        self._waiting: dict[str, deque[Download]] = {}
        for row in rows:
            self._waiting.setdefault(_host(row), deque()).append(row)
        self._free = deque(self._waiting)  # the hosts that have rows, and may be asked for more
        self._busy: Counter[str] = Counter()

    def take(self) -> Download | None:
        """Give the next row that may begin now; None while every host is busy, or all are done."""
        if not self._free:
            return None
        host = self._free.popleft()
        row = self._waiting[host].popleft()
        self._busy[host] += 1
        if self._waiting[host] and self._busy[host] < A_HOST:
            self._free.append(host)
        return row

    def give_back(self, row: Download) -> None:
        """Say that a row's host has been heard."""
        host = _host(row)
        self._busy[host] -= 1
        if self._waiting[host] and self._busy[host] == A_HOST - 1:
            self._free.append(host)


def _host(row: Download) -> str:
    return urlsplit(row.url).hostname or ""
