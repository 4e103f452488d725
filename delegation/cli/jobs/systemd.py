"""A scheduled audit -> a service of systemd and its timer."""

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import time
from typing import Any

from delegation.cli.jobs import escaping
from delegation.cli.jobs.job import AT, Job, calendar
from delegation.cli.jobs.places import HOMES, TEMPORARY
from delegation.errors import UsageError
from delegation.report.templates import TemplateChoice, render

_USER = re.compile(r"[a-z_][a-z0-9_-]{0,30}")
_CALENDAR = re.compile(r"[A-Za-z0-9*][A-Za-z0-9 *,:./~_+-]*")


@dataclass(frozen=True)
class SystemdUnits:
    """``user`` None: one made for the run, with a history of its own."""

    job: Job
    user: str | None
    calendar: str

    @classmethod
    def of(
        cls, job: Job, user: str | None, at: time | None, expression: str | None
    ) -> "SystemdUnits":
        """Raises UsageError for what no unit can be made of."""
        if user is not None and not _USER.fullmatch(user):
            raise UsageError(f"--user {user!r} is no user's name", "name a user of that machine")
        if job.places.state_named and user is None:
            raise UsageError(
                "a state folder of yours takes its owner as the user of the unit",
                "add --user NAME, or leave --state away: the unit then has a history of its own",
            )
        when = calendar(at, expression, _CALENDAR)
        return cls(job, user, when or f"*-*-* {at or AT:%H:%M}:00")

    def warnings(self, *, is_here: bool) -> Iterator[str]:
        """What the unit will not be able to read; ``is_here``: this machine will run it."""
        if self.user is None and is_here:
            for path in self.job.places.closed():
                yield f"not every user may read {path}: the unit's user could not"
        for path in self.job.places.below(TEMPORARY):
            yield f"{path} is out of the unit's sight, which has a /tmp of its own: move it"

    def files(self, template: TemplateChoice) -> dict[str, str]:
        """The texts of the units by their names; the template is of the service."""
        data = self.to_json()
        return {
            f"{self.job.name}.service": template.fill("schedule/service.j2", data),
            f"{self.job.name}.timer": render("schedule/timer.j2", data),
        }

    def to_json(self) -> dict[str, Any]:
        """What the templates are told, each text as the place where it goes takes it."""
        job, user = self.job, self.user
        program, *arguments = job.start()
        state = job.places.state if user else f"/var/lib/{job.name}"
        secret = {
            "inventory": job.places.keytab,
            "password": job.places.password_file or f"/etc/{job.name}.password",
            "keytab": f"/etc/{job.name}.keytab",
        }.get(job.logon) or ""
        words = f"{escaping.systemd_program(program)} {escaping.systemd_arguments(arguments)}"
        return job.about_json() | {
            "user": user,
            "calendar": self.calendar,
            "command": words,
            "state_option": escaping.systemd_arguments(["--state", state]) if user else "",
            "audit": escaping.systemd_arguments(job.audit()),
            "credential": job.logon,
            "known_domains_text": escaping.systemd_text(job.places.known_domains),
            "secret_shell": shlex.quote(secret),
            "secret_text": escaping.systemd_text(secret),
            "secret_word": escaping.systemd_word(secret),
            "state_shell": shlex.quote(state),
            "state_word": escaping.systemd_word(state),
            "history": shlex.join([*job.places.program, "--state", state, "history"]),
            "home": bool(job.places.below(HOMES)),
        }
