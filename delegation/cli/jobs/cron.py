"""A scheduled audit -> a line of a crontab."""

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import time
from typing import Any

from delegation.cli.jobs import escaping
from delegation.cli.jobs.job import AT, Job, calendar
from delegation.errors import UsageError
from delegation.report.templates import TemplateChoice

_FIELDS = re.compile(r"[A-Za-z0-9*,/-]+(?: [A-Za-z0-9*,/-]+){4}")


def warnings(job: Job) -> Iterator[str]:
    """What a job without anybody at a terminal lacks."""
    if job.logon == "keytab":
        yield "nobody is there to log on: set directory.keytab"
    elif job.logon == "password" and job.places.password_file is None:
        yield "nobody is there to log on: add --password-file, or set directory.keytab"


@dataclass(frozen=True)
class CronLine:
    """``file`` is what it is called in the words on how to install it."""

    job: Job
    calendar: str
    file: str

    @classmethod
    def of(cls, job: Job, at: time | None, expression: str | None, file: str) -> "CronLine":
        """Raises UsageError for an expression that is none."""
        daily = at or AT
        when = calendar(at, expression, _FIELDS)
        return cls(job, when or f"{daily.minute} {daily.hour} * * *", file)

    def text(self, template: TemplateChoice) -> str:
        """Raises UsageError where cron would cut it off."""
        text = template.fill("schedule/cron.j2", self.to_json())
        if max(map(len, text.splitlines())) > escaping.CRON_LIMIT:
            raise UsageError("the line is longer than cron takes", "use shorter paths, or systemd")
        return text

    def to_json(self) -> dict[str, Any]:
        """What the template is told."""
        places = self.job.places
        state = places.state if places.state_named else None
        start = self.job.start(
            state=state,
            password_file=places.password_file,
            known_domains=self.job.known_domains,
        )
        return self.job.about_json() | {
            "calendar": self.calendar,
            "command": escaping.cron_command([*start, *self.job.audit()]),
            "history": shlex.join([*self.job.start(state=state), "history"]),
            "file_shell": shlex.quote(self.file),
        }
