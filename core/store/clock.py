"""The time of every `_at` column."""

import time


def now() -> float:
    """Give the seconds since 1970, UTC."""
    return time.time()
