"""Words and numbers for a person; names from disk are made harmless before they are drawn."""

import itertools
import re
import time
from collections.abc import Mapping

import pandas as pd

from core.domain import durations

MARKDOWN = re.compile(r"([\\`*_{}\[\]()<>#+\-.!|~$&^=])")
LINKING = re.compile(r"([:@]|(?<=www)\.)", re.IGNORECASE)
UNSAFE = re.compile(r"[\W_]+")
MOST_OF_A_NAME = 32  # letters, in a file name
UNSEEN = re.compile(r"[\x00-\x1f\x7f\u200b-\u200f\u202a-\u202e\u2066-\u2069]")


def plain(name: str) -> str:
    """Show control and direction characters of a name as a box, and nothing else changed."""
    return UNSEEN.sub("\N{WHITE SQUARE}", name)


def plain_lines(content: str) -> str:
    """Do the same to a text of several lines, such as a log."""
    return "\n".join(
        plain(line.rstrip("\r").replace("\t", "    ")) for line in content.split("\n")
    )


def escape(name: str) -> str:
    """Take Markdown's meaning from every character of a name, file name or message.

    Icons (`:home:`), mail addresses and `www.` are found after the backslashes are gone, so an
    unseen character parts them.
    """
    parted = LINKING.sub("\\1\N{WORD JOINER}", plain(name))
    return MARKDOWN.sub(r"\\\1", parted)


def shorten(name: str, most: int = 60) -> str:
    """Cut the middle out of a long name, so that its end still tells files apart."""
    if len(name) <= most:
        return name
    tail = most // 3
    return f"{name[: most - tail - 1]}…{name[-tail:]}"


def with_code(said: str) -> str:
    """Escape a sentence, and let what stands between backticks be drawn as code."""
    pieces = said.split("`")
    if len(pieces) % 2 == 0:  # one backtick is open
        return escape(said)
    return "".join(
        f"`{plain(piece)}`" if at % 2 and piece else escape(piece)
        for at, piece in enumerate(pieces)
    )


def file_name(*names: str, ending: str) -> str:
    """Join names to a harmless file name: `clothing-run-2-fine-tune-learner.pkl`.

    Letters and digits of any script stay; all else becomes a hyphen.
    """
    cut = (shorten(UNSAFE.sub("-", name.lower()).strip("-"), MOST_OF_A_NAME) for name in names)
    joined = UNSAFE.sub("-", "-".join(cut)).strip("-")
    return f"{joined or 'winnow'}{ending}"


def distinct(names: Mapping[str, str]) -> dict[str, str]:
    """Give each id a label of its own: names that occur twice are numbered.

    Streamlit finds the chosen option by its label, so two equal labels are one option.
    """
    labels: dict[str, str] = {}
    for key, name in names.items():
        plain_name = shorten(plain(name), 40)
        numbered = (f"{plain_name} ({number})" for number in itertools.count(2))
        taken = set(labels.values())
        candidates = itertools.chain([plain_name], numbered)
        labels[key] = next(label for label in candidates if label not in taken)
    return labels


def count(number: float, noun: str, plural: str | None = None) -> str:
    """Write a number with its noun: `1 image`, `1,461 images`."""
    word = noun if number == 1 else (plural or f"{noun}s")
    return f"{number:,.0f} {word}"


def size(n_bytes: float) -> str:
    """Write a number of bytes: `640 B`, `12.3 kB`, `4.0 MB`."""
    if n_bytes < 1000:
        return f"{n_bytes:.0f} B"
    for unit in ("kB", "MB"):
        n_bytes /= 1000
        if n_bytes < 999.95:
            return f"{n_bytes:.1f} {unit}"
    return f"{n_bytes / 1000:.1f} GB"


def duration(seconds: float) -> str:
    """Write a duration: `0.4 s`, `12 s`, `3 min 05 s`, `1 h 20 min`."""
    return durations.in_words(seconds)


def ago(at: float, *, now: float | None = None) -> str:
    """Write how long ago something was: `just now`, `5 min ago`, `2 days ago`."""
    seconds = (time.time() if now is None else now) - at
    if seconds < 60:
        return "just now"
    for length, unit in ((86_400, "day"), (3_600, "h"), (60, "min")):
        if seconds >= length:
            number = int(seconds // length)
            plural = "s" if unit == "day" and number > 1 else ""
            return f"{number} {unit}{plural} ago"
    raise AssertionError(seconds)


def moment(at: float) -> str:
    """Write a time in the server's zone: `2026-11-23 04:10`."""
    local = pd.Timestamp(at, unit="s", tz="UTC").tz_convert(_zone())
    return str(local.strftime("%Y-%m-%d %H:%M"))


def _zone() -> str:
    offset = time.localtime().tm_gmtoff
    sign, offset = ("+" if offset >= 0 else "-"), abs(offset)
    return f"{sign}{offset // 3600:02d}:{offset % 3600 // 60:02d}"
