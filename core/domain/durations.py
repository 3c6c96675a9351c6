"""Durations in words."""


def in_words(seconds: float) -> str:
    """Write a duration: `0.4 s`, `12 s`, `3 min 05 s`, `1 h 20 min`."""
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes:02d} min"
    return f"{minutes} min {rest:02d} s" if minutes else f"{rest} s"
