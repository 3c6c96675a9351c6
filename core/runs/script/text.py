"""Pieces of Python text: calls with the arguments that are not their defaults, and lists."""

import textwrap
from collections.abc import Iterable, Mapping

WIDTH = 99
INDENT = "    "


def call(name: str, arguments: Iterable[object], *, indent: int = 0) -> str:
    """Write a call on one line, or with a line an argument where it would be too long."""
    given = [str(each) for each in arguments]
    line = f"{name}({', '.join(given)})"
    if len(line) + 4 * indent <= WIDTH and "\n" not in line:
        return line
    inner = "".join(f"{textwrap.indent(each, INDENT)},\n" for each in given)
    return f"{name}(\n{inner})"


def named(values: Mapping[str, object]) -> list[str]:
    """Write values as named arguments."""
    return [f"{name}={value!r}" for name, value in values.items()]


def changed(values: Mapping[str, object], defaults: Mapping[str, object]) -> list[str]:
    """Write the values that are not the defaults as named arguments."""
    return named({name: each for name, each in values.items() if each != defaults[name]})


def sequence(values: Iterable[str], *, indent: int = 0) -> str:
    """Write expressions as a list, over several lines where one would be too long."""
    given = list(values)
    line = f"[{', '.join(given)}]"
    if len(line) + 4 * indent <= WIDTH and "\n" not in line:
        return line
    inner = "".join(f"{textwrap.indent(each, INDENT)},\n" for each in given)
    return f"[\n{inner}]"


def indented(block: str, levels: int = 1) -> str:
    """Indent all lines of a block but the empty ones."""
    return textwrap.indent(block, INDENT * levels)


def comment(sentence: str) -> str:
    """Write a sentence as a comment; what a stranger named in it cannot end the line."""
    plain = "".join(one if one.isprintable() else "?" for one in sentence)
    return "\n".join(textwrap.wrap(plain, WIDTH - 4, initial_indent="# ", subsequent_indent="# "))
