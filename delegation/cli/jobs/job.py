"""A scheduled audit: its command line, its logon, when it runs, and what every template says."""

import re
from dataclasses import dataclass
from datetime import time
from typing import Any

from delegation import __version__
from delegation.cli.jobs.places import AuditPlaces
from delegation.errors import UsageError
from delegation.inventory import Auth, Inventory
from delegation.mesh.audit_view import Threshold

AT = time(5, 30)
"""Not at an hour that is left out, or comes twice, when the clocks change."""


@dataclass(frozen=True)
class Job:
    """What is audited, from where, and what the audit is told; ``name`` is what it is called."""

    inventory: Inventory
    places: AuditPlaces
    name: str
    fail_on: str
    operators: tuple[str, ...]
    remind: str | None = None

    def start(
        self,
        *,
        state: str | None = None,
        password_file: str | None = None,
        known_domains: str | None = None,
    ) -> list[str]:
        """The command line up to the command's name, the program in front."""
        words = [*self.places.program, "--inventory", self.places.inventory]
        for option, word in (
            ("--directory", self.places.directory),
            ("--state", state),
            ("--password-file", password_file),
            ("--known-domains", known_domains),
        ):
            words += [option, word] if word is not None else []
        return words

    def audit(self) -> list[str]:
        words = ["audit", "--new-only", "--baseline", "--fail-on", self.fail_on]
        words += ["--remind", self.remind] if self.remind else []
        return words + [word for name in self.operators for word in ("--as", name)]

    def _fails_for(self) -> str:
        """What code 3 means, in words."""
        level = self.fail_on
        words = {
            str(Threshold.NEVER): "new drift alone",
            str(Threshold.CRITICAL): "new drift, or a new finding that is critical",
            str(Threshold.LOW): "new drift, or any new finding",
        }.get(level, f"new drift, or a new finding that is {level} or worse")
        reminded = f", or such a one still open after {self.remind}" if self.remind else ""
        return f"{words}{reminded} (--fail-on {level})"

    @property
    def known_domains(self) -> str | None:
        """The list that is asked where the password may go; None where none leaves."""
        return self.places.known_domains if self.logon == "password" else None

    @property
    def logon(self) -> str:
        """What it takes where nobody is there to log on: password, inventory, keytab or nothing.

        ``inventory`` is the keytab that it names, ``keytab`` one that it does not name.
        """
        directory = self.inventory.directory
        if self.places.offline:
            return ""
        if directory.keytab:
            return "inventory"
        if directory.user or directory.logon in {Auth.SIMPLE, Auth.NTLM}:
            return "password"
        return "keytab"

    def about_json(self) -> dict[str, Any]:
        """What the templates of every scheduler are told."""
        return {
            "name": self.name,
            "version": __version__,
            "domain": self.inventory.domain,
            "inventory": self.places.inventory,
            "offline": self.places.offline,
            "fails_for": self._fails_for(),
        }


def calendar(at: time | None, expression: str | None, form: re.Pattern[str]) -> str | None:
    """An expression of the scheduler's own, which has this form; None: every day, at ``at``.

    Raises UsageError for one that is none, and for two answers to one question.
    """
    if expression is None:
        return None
    if at is not None:
        raise UsageError("--at and --calendar are two answers to one question", "give one of them")
    if not form.fullmatch(expression):
        raise UsageError(f"--calendar {expression!r} is no such expression", "see --help")
    return expression
