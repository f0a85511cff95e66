"""Hiding secrets in a text that comes in pieces, as output does; and the process that does so for a run's output.

The process is started by :mod:`expfw.run.output` as a plain script, so that it is there within milliseconds: it
imports nothing but Python's own modules. What it must know comes through its standard input, for a command line is
seen by everybody.
"""

from __future__ import annotations

import json
import os
import re
import select
import sys
from collections.abc import Sequence

PIECE = 65536
"""Bytes that are read at a time."""

LONGEST_ADDRESS = 4096
"""Characters of an address that are held back until its end is there."""


class Stream:
    """A text in pieces. What may be the beginning of a secret is held back until it is known what becomes of it.

    Args:
        patterns: expressions that find secrets.
        literals: the secrets, as texts without line breaks.
        mark: what takes their place.
        end: a text at which the stream ends; empty if it has none.

    Example:
        >>> stream = Stream(["s3cr3t"], ["s3cr3t"], "***")
        >>> stream.feed("it is s3c"), stream.feed("r3t, is"), stream.rest()
        ('it is ', '***, i', 's')
    """

    def __init__(self, patterns: Sequence[str], literals: Sequence[str], mark: str, end: str = "") -> None:
        self.literals, self.mark, self.end = literals, mark, end
        self.held, self.ended = "", False
        self.compiled = [re.compile(pattern, re.ASCII) for pattern in patterns]
        self.beginnings = [*literals, *filter(None, [end])]
        self.longest = max(map(len, self.beginnings), default=0)

    def feed(self, piece: str) -> str:
        """Take the next piece, give what can be shown by now."""
        text = self.held + piece
        if self.end and self.end in text:
            self.held, self.ended = text[: text.index(self.end)], True
            return self.rest()
        cut = self._cut(text)
        self.held = text[cut:]
        return self._hidden(text[:cut])

    def rest(self) -> str:
        """What was held back; nothing follows it."""
        text, self.held = self.held, ""
        return self._hidden(text)

    def _hidden(self, text: str) -> str:
        if "://" not in text and not any(literal in text for literal in self.literals):
            return text
        for pattern in self.compiled:
            text = pattern.sub(self.mark, text)
        return text

    def _cut(self, text: str) -> int:
        """Up to where nothing that follows can change what is a secret."""
        line = text[text.rfind("\n") + 1 :]
        if not line:
            return len(text)
        held = max((_overlap(line, literal) for literal in self.beginnings), default=0)
        cut = len(text) - max(held, _begun_address(line))
        for pattern in self.compiled:
            for found in pattern.finditer(text, max(0, cut - self.longest)):
                if found.start() < cut < found.end():
                    cut = found.end()
        return cut


def _overlap(tail: str, literal: str) -> int:
    """How many characters at the end of ``tail`` are the beginning of ``literal``.

    Example:
        >>> _overlap("it is s3c", "s3cr3t")
        3
    """
    tail = tail[-len(literal) :]
    start = tail.find(literal[0])
    while start >= 0 and not literal.startswith(tail[start:]):
        start = tail.find(literal[0], start + 1)
    return len(tail) - start if start >= 0 else 0


def _begun_address(line: str) -> int:
    """How many characters at the end of ``line`` are an address that may go on.

    Example:
        >>> _begun_address("at db://me:x"), _begun_address("at db://me:x@host now")
        (9, 0)
    """
    word = "" if line[-1].isspace() else line[-LONGEST_ADDRESS:].rsplit(maxsplit=1)[-1]
    return len(word) if "://" in word or word.endswith((":", ":/")) else 0


def serve() -> None:
    """Pass on bytes from descriptors to others until all have ended, as the specification on standard input says."""
    job = json.load(sys.stdin)
    targets = dict(job["pipes"])
    streams = {source: Stream(job["patterns"], job["literals"], job["mark"], job["end"]) for source in targets}
    while streams:
        for source in select.select(streams, [], [])[0]:
            piece = os.read(source, PIECE).decode("latin-1")  # byte for byte; the patterns are written the same way
            stream = streams[source]
            shown = stream.feed(piece) if piece else stream.rest()
            if not _write(targets[source], shown.encode("latin-1")) or not piece or stream.ended:
                del streams[source]


def _write(target: int, content: bytes) -> bool:
    """Write all of it; False if nobody reads any more."""
    try:
        while content:
            content = content[os.write(target, content) :]
    except OSError:
        return False
    return True


if __name__ == "__main__":
    serve()
