"""Wrap the prose of the documentation at 100 columns: python scripts/wrap.py [--check] [FILE...].

Code, tables, headings and HTML stay as they are. --check changes nothing and fails for a file that it would change.
"""

import re
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path

WIDTH = 100
ROOT = Path(__file__).parents[1]
# Hidden folders hold caches of tools, and some tools put a README into theirs.
FILES = sorted({*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *ROOT.glob("[!.]*/README.md")})

FENCE = re.compile(r" *(```+|~~~+)")
ITEM = re.compile(r"( *)([-*+]|\d+\.)( +)(?=\S)")
VERBATIM = re.compile(r" *(\||#{1,6} |<|\[[^\]]+\]: |---+$)")  # a table, heading, HTML, link definition or rule
SPAN = re.compile(r"`[^`]+`")
MARKER = re.compile(r" (?=(?:[-*+#]|\d+\.|#+)(?: |$))")  # a word that begins a list or heading at the start of a line
LONGEST_SPAN = 60  # characters of an inline code that is kept on one line
BLANK = "\0"


def fill(text: str, first: str, rest: str) -> list[str]:
    """Wrap one paragraph; inline code and what would read as a list marker stay on the line of the word before."""
    text = " ".join(text.split())
    text = SPAN.sub(lambda span: span[0].replace(" ", BLANK) if len(span[0]) <= LONGEST_SPAN else span[0], text)
    text = MARKER.sub(BLANK, text)
    lines = textwrap.wrap(
        text,
        WIDTH,
        initial_indent=first,
        subsequent_indent=rest,
        break_long_words=False,
        break_on_hyphens=False,
    )
    return [line.replace(BLANK, " ") for line in lines]


def wrapped(lines: list[str]) -> Iterator[str]:
    """The lines of a page with each paragraph wrapped."""
    paragraph: list[str] = []
    first = rest = fence = ""

    def end() -> list[str]:
        done = fill(" ".join(paragraph), first, rest) if paragraph else []
        paragraph.clear()
        return done

    for line in lines:
        marker = FENCE.match(line)
        if fence:
            yield line
            if marker and marker[1].startswith(fence) and line.strip() == marker[1]:
                fence = ""
        elif not line.strip() or marker or VERBATIM.match(line):
            yield from end()
            yield line
            fence = marker[1] if marker else ""
        elif item := ITEM.match(line):
            yield from end()
            first = item[0]
            rest = " " * len(first)
            paragraph.append(line[len(first) :])
        else:
            if not paragraph:
                first = rest = " " * (len(line) - len(line.lstrip()))
            paragraph.append(line)
    yield from end()


def main(arguments: list[str]) -> int:
    """Wrap the files and return an exit code."""
    check = "--check" in arguments
    failed = False
    for path in [Path(name) for name in arguments if name != "--check"] or FILES:
        text = path.read_text(encoding="utf-8")
        done = "\n".join(wrapped(text.split("\n")))
        if done != text and check:
            print(f"{path}: run ./scripts/docs wrap")
            failed = True
        elif done != text:
            path.write_text(done, encoding="utf-8")
    return int(failed)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
