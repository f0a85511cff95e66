"""What the checks found, as the page shows it: first what concerns the reader; folded away what was muted."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

_ADDRESS = re.compile(r"https?://|#")


@dataclass(frozen=True)
class Finding:
    """One finding.

    Args:
        code: its code, for example ``EX101``.
        name: its name in words.
        sentence: what is wrong.
        how: how it was found.
        advice: what to do about it.
        link: its place in the documentation; may be empty.
        severity: ``warning`` or ``info``.
        reason: why it was muted; None if it was not.
    """

    code: str
    name: str
    sentence: str
    how: str = ""
    advice: str = ""
    link: str = ""
    severity: str = "warning"
    reason: str | None = None

    @property
    def can_be_followed(self) -> bool:
        """Whether ``link`` is a web address or a place in the page: nothing that a browser would run, or not find."""
        return bool(_ADDRESS.match(self.link))


@dataclass(frozen=True)
class Findings:
    """All findings of an experiment.

    Args:
        open: those that concern the reader, warnings first.
        muted: those that the configuration muted.
        skipped: code of each check that could not be made, and why.
        checked: whether anything was checked at all.
    """

    open: tuple[Finding, ...] = ()
    muted: tuple[Finding, ...] = ()
    skipped: tuple[tuple[str, str], ...] = ()
    checked: bool = False


def arrange(diagnostics: Mapping[str, Any]) -> Findings:
    """The findings of ``report/diagnostics.json``.

    Example:
        >>> found = arrange({"findings": [{"code": "EX1", "name": "a", "sentence": "b", "muted": "known"}]})
        >>> found.open, [finding.reason for finding in found.muted]
        ((), ['known'])
    """
    found = [_finding(entry) for entry in diagnostics.get("findings") or ()]
    concern = sorted((one for one in found if one.reason is None), key=lambda one: one.severity != "warning")
    skipped = tuple((str(one.get("code", "")), str(one.get("why", ""))) for one in diagnostics.get("skipped") or ())
    muted = tuple(one for one in found if one.reason is not None)
    return Findings(tuple(concern), muted, skipped, "findings" in diagnostics)


def _finding(entry: Mapping[str, Any]) -> Finding:
    text = {name: str(entry.get(name) or "") for name in ("code", "name", "sentence", "how", "advice", "link")}
    muted = entry.get("muted")
    severity = "info" if entry.get("severity") == "info" else "warning"
    return Finding(**text, severity=severity, reason=None if muted is None else str(muted))
