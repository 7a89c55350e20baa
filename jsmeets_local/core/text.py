"""Text from outside, made safe for one line of a log."""

from __future__ import annotations

__all__ = ["on_one_line", "on_own_lines"]


def on_one_line(text: str) -> str:
    """Escapes control characters, line breaks and lone surrogates, as `repr` does, and adds no quotes."""
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text)


def on_own_lines(text: str) -> str:
    """Escapes the same within each line, and indents all lines but the first: none looks like a record of its own."""
    first, *others = [on_one_line(line) for line in text.splitlines()] or [""]
    return "\n".join([first, *(line if line.startswith("    ") else f"    {line}" for line in others)])
