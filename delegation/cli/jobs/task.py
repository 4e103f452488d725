"""A scheduled audit -> a task of Windows, as XML, run by a group-managed service account."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import time
from typing import Any

from delegation.cli.jobs import escaping
from delegation.cli.jobs.job import AT, Job
from delegation.errors import UsageError
from delegation.report.templates import TemplateChoice, render

GMSA = "svc-delegation$"


@dataclass(frozen=True)
class ScheduledTask:
    """``account`` has its domain; ``file`` is what the task is imported from."""

    job: Job
    account: str
    at: str
    file: str

    @classmethod
    def of(cls, job: Job, user: str, at: time | None, file: str) -> "ScheduledTask":
        """Raises UsageError for an account that is no group-managed service account."""
        return cls(job, service_account(user, job.inventory.domain), f"{at or AT:%H:%M}", file)

    def warnings(self) -> Iterator[str]:
        if self.job.logon == "password" and self.job.places.password_file is None:
            yield (
                f"the inventory logs on as {self.job.inventory.directory.user}, whose password the "
                "task does not have: without directory.user it would log on as the service account"
            )

    def steps(self) -> list[str]:
        """How it is installed, a line each."""
        return render("schedule/task-steps.j2", self.to_json()).splitlines()

    def text(self, template: TemplateChoice, *, is_file: bool) -> str:
        """Plain ASCII; ``is_file``: it says that it is in UTF-16, as such files are."""
        data = self.to_json() | {"steps": self.steps(), "utf16": is_file}
        made = template.fill("schedule/task.j2", data, html=True)
        return made.encode("ascii", "xmlcharrefreplace").decode()

    def to_json(self) -> dict[str, Any]:
        """What the templates are told, each text as Task Scheduler takes it."""
        job, places = self.job, self.job.places
        state = places.state if places.state_named else f"C:\\ProgramData\\{job.name}"
        start = job.start(
            state=state, password_file=places.password_file, known_domains=job.known_domains
        )
        words = [*start, *job.audit()]
        return job.about_json() | {
            "user": self.account,
            "at": self.at,
            "program": escaping.windows_program(words[0]),
            "arguments": escaping.windows_arguments(words[1:]),
            "short": self.account.rpartition("\\")[2].partition("@")[0].removesuffix("$"),
            "state": escaping.windows_text(state),
            "executable": words[0],
            "module": "-m delegation " if len(places.program) > 1 else "",
            "file": self.file,
        }


_BAD_IN_NAMES = frozenset('/"[]:;|=,+*?<>%')


def service_account(name: str, domain: str) -> str:
    """A group-managed service account, with the domain where ``name`` has none.

    Raises UsageError for any other kind of account.
    """
    prefix, backslash, last = name.rpartition("\\")
    short, at, suffix = last.partition("@")
    plain = short.removesuffix("$")
    # What Windows allows in no account's name, and % besides, which Task Scheduler expands.
    has_bad = not _BAD_IN_NAMES.isdisjoint(name) or any(letter.isspace() for letter in name)
    # The password is kept by the domain, so that none is stored in the task. Such an account's
    # name ends in $, and holds 15 characters before it, as any computer's does.
    is_managed = short != plain and 0 < len(plain) <= 15
    is_named_twice = "@" in suffix or bool(backslash and at)
    if has_bad or not is_managed or is_named_twice:
        raise UsageError(
            f"--user {name!r} is no group-managed service account",
            "its name ends in $, as in CORP\\svc-audit$; any other would need its password stored",
        )
    escaping.windows_text(name)
    return f"{prefix or domain}\\{short}" if not at else name
