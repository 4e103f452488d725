"""A scheduled audit: its command line, its logon, and what the templates say of it."""

import shlex
from dataclasses import dataclass
from typing import Any

from delegation import __version__
from delegation.cli.jobs import escaping
from delegation.cli.jobs.places import HOMES, AuditPlaces
from delegation.errors import UsageError
from delegation.inventory import Auth, Inventory

Data = dict[str, Any]


@dataclass(frozen=True)
class Job:
    """What is audited, from where, and what the audit is told; ``name`` is what it is called."""

    inventory: Inventory
    places: AuditPlaces
    name: str
    fail_on: str | None
    operators: tuple[str, ...]

    def start(self, *, state: str | None = None, password_file: str | None = None) -> list[str]:
        """The command line up to the command's name, the program in front."""
        words = [*self.places.program, "--inventory", self.places.inventory]
        for option, word in (
            ("--directory", self.places.directory),
            ("--state", state),
            ("--password-file", password_file),
        ):
            words += [option, word] if word is not None else []
        return words

    def audit(self) -> list[str]:
        words = ["audit", "--new-only"]
        words += ["--fail-on", self.fail_on] if self.fail_on else []
        return words + [word for name in self.operators for word in ("--as", name)]

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

    def about(self) -> Data:
        return {
            "name": self.name,
            "version": __version__,
            "domain": self.inventory.domain,
            "inventory": self.places.inventory,
            "offline": self.places.offline,
        }


def systemd(job: Job, user: str | None, calendar: str) -> Data:
    """The data of the service and its timer; ``user`` None: one made for the run."""
    program, *arguments = job.start()
    state = job.places.state if user else f"/var/lib/{job.name}"
    secret = {
        "inventory": job.places.keytab,
        "password": job.places.password_file or f"/etc/{job.name}.password",
        "keytab": f"/etc/{job.name}.keytab",
    }.get(job.logon) or ""
    return job.about() | {
        "user": user,
        "calendar": calendar,
        "command": f"{escaping.systemd_program(program)} {escaping.systemd_arguments(arguments)}",
        "state_option": escaping.systemd_arguments(["--state", state]) if user else "",
        "audit": escaping.systemd_arguments(job.audit()),
        "credential": job.logon,
        "secret_shell": shlex.quote(secret),
        "secret_text": escaping.systemd_text(secret),
        "secret_word": escaping.systemd_word(secret),
        "state_shell": shlex.quote(state),
        "state_word": escaping.systemd_word(state),
        "history": shlex.join([*job.places.program, "--state", state, "history"]),
        "home": bool(job.places.below(HOMES)),
    }


def cron(job: Job, calendar: str, file: str) -> Data:
    state = job.places.state if job.places.state_named else None
    words = [*job.start(state=state, password_file=job.places.password_file), *job.audit()]
    return job.about() | {
        "calendar": calendar,
        "command": escaping.cron_command(words),
        "history": shlex.join([*job.start(state=state), "history"]),
        "file_shell": shlex.quote(file),
    }


def task(job: Job, account: str, at: str, file: str) -> Data:
    """The data of the task; ``account`` is a group-managed service account with its domain."""
    state = job.places.state if job.places.state_named else f"C:\\ProgramData\\{job.name}"
    words = [
        *job.start(state=state, password_file=job.places.password_file),
        *job.audit(),
    ]
    return job.about() | {
        "user": account,
        "at": at,
        "program": escaping.windows_program(words[0]),
        "arguments": escaping.windows_arguments(words[1:]),
        "short": account.rpartition("\\")[2].partition("@")[0].removesuffix("$"),
        "state": escaping.windows_text(state),
        "executable": words[0],
        "module": "-m delegation " if len(job.places.program) > 1 else "",
        "file": file,
    }


def account(name: str, domain: str) -> str:
    """A group-managed service account, with the domain where ``name`` has none.

    Raises UsageError for any other kind of account.
    """
    prefix, backslash, last = name.rpartition("\\")
    short, at, suffix = last.partition("@")
    plain = short.removesuffix("$")
    bad = set(name) & set('/"[]:;|=,+*?<>%') or any(c.isspace() for c in name)
    if bad or short == plain or not 0 < len(plain) <= 15 or "@" in suffix or (backslash and at):
        raise UsageError(
            f"--user {name!r} is no group-managed service account",
            "its name ends in $, as in CORP\\svc-audit$; any other would need its password stored",
        )
    escaping.windows_text(name)
    return f"{prefix or domain}\\{short}" if not at else name
