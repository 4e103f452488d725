"""Ask the KDC itself: may this source act as this user towards this service?

The real exchange (MS-SFU) with the source's keytab, by MIT's library in a program of its own,
``s4u.py``. The source shows as evidence a ticket to itself, either one that it asked for in the
user's name (S4U2Self) or one that the user came with, and asks for one to the service (S4U2Proxy).
What the KDC answers is the proof; what the directory holds is only the reason.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from tests.lab import admin, ldif
from tests.lab.description import ADMINISTRATOR, MIGRATION, USER_PASSWORD, Lab, LabError, escaped
from tests.lab.independent import DELEGATION, search
from tests.lab.programs import run

BY_DESIGN = {12: "KDC_ERR_POLICY", 13: "KDC_ERR_BADOPTION"}
"""How a KDC says that it does not delegate (RFC 4120 7.5.9, MS-SFU 3.2.5.2)."""
BY_ACCOUNT = {
    1: "KDC_ERR_NAME_EXP",
    12: "KDC_ERR_POLICY",
    18: "KDC_ERR_CLIENT_REVOKED",
    23: "KDC_ERR_KEY_EXPIRED",
}
"""How it says that an account may not log on: expired, disabled or locked, password expired."""


class Evidence(StrEnum):
    """What the source shows of the user."""

    S4U2SELF = "s4u2self"
    """A ticket that the source asked for: the user has never been there (protocol transition)."""
    TICKET = "ticket"
    """The ticket with which the user, logged on by password, came to the source (Kerberos only)."""


class Step(StrEnum):
    """The step of the exchange that an answer comes from."""

    SOURCE = "source"
    """The source logs on."""
    USER = "user"
    """The user logs on."""
    S4U2SELF = "s4u2self"
    """The source asks for the user's ticket to itself."""
    TICKET = "ticket"
    """The user asks for a ticket to the source, and comes with it."""
    S4U2PROXY = "s4u2proxy"
    """The source asks for the user's ticket to the service."""


REFUSALS = {
    Step.SOURCE: BY_ACCOUNT,
    Step.USER: BY_ACCOUNT,
    Step.S4U2SELF: BY_ACCOUNT | BY_DESIGN,
    Step.TICKET: BY_ACCOUNT | BY_DESIGN,
    Step.S4U2PROXY: BY_ACCOUNT | BY_DESIGN,
}
"""The errors that are a decision; all others are faults."""


@dataclass(frozen=True)
class Question:
    """May ``source`` (``hv01``) act as ``user`` towards ``service`` (``cifs/hv02``)?"""

    source: str
    user: str
    service: str
    evidence: Evidence = Evidence.S4U2SELF


@dataclass(frozen=True)
class Granted:
    """The KDC gave the source a ticket to the service in the user's name."""


@dataclass(frozen=True)
class Refused:
    """The KDC refused, at ``step``, with ``code`` (RFC 4120 7.5.9).

    At S4U2PROXY it had seen the evidence and would not pass it on. At another step there was none
    to pass on, because the account of that step is disabled, say.
    """

    reason: str
    step: Step
    code: int


def ask(lab: Lab, source: str, user: str, service: str) -> Granted | Refused:
    """Put one question; raises as ``decide_all`` does."""
    return ask_each(lab, source, user, [service])[service]


def ask_each(
    lab: Lab, source: str, user: str, services: Sequence[str]
) -> dict[str, Granted | Refused]:
    """Ask for several services, each with a request of its own; raises as ``decide_all`` does."""
    questions = [Question(source, user, service) for service in services]
    return dict(zip(services, decide_all(lab, questions), strict=True))


def decide_all(lab: Lab, questions: Sequence[Question]) -> list[Granted | Refused]:
    """Put many questions about the domain as it is now, and give the answers in their order.

    What they have in common is asked once: a source's logon, a user's, the evidence. For the
    migration service the values must be ``mirrored``. A user other than the lab's own must have
    been added by ``admin.add_user`` with its usual password to come with a ticket.

    Raises:
        LabError: a question was not decided: an account or a service that the KDC does not know,
            a wrong key, no KDC. A refusal is never inferred from such a fault.
    """
    asked = json.dumps([plain(lab, question) for question in questions])
    # Tickets are not kept from replay: a source is shown each of them once.
    command = [sys.executable, "-I", str(Path(__file__).with_name("s4u.py"))]
    done = run(lab, command, asked, KRB5RCACHENAME="none:")
    if done.returncode != 0:
        raise LabError(f"s4u.py: is `./scripts/install dev,kerberos` done?\n{done.stderr[-2000:]}")
    return [
        judged(question, **answer)
        for question, answer in zip(questions, json.loads(done.stdout), strict=True)
    ]


def plain(lab: Lab, question: Question) -> dict[str, str]:
    """Write a question as ``s4u.py`` reads it."""
    return {
        "source": f"{question.source.upper()}$@{lab.realm}",
        "keytab": str(lab.keytab(question.source)),
        "user": f"{question.user}@{lab.realm}",
        "password": lab.accounts.get(question.user, USER_PASSWORD),
        "service": f"{question.service}@{lab.realm}",
        "evidence": question.evidence,
    }


def judged(
    question: Question, *, step: str | None, code: int | None, text: str
) -> Granted | Refused:
    """Tell a grant, a refusal, and a fault, for which it raises LabError."""
    if step is None:
        return Granted()
    refusals = REFUSALS[Step(step)]
    if code is None or code not in refusals:
        raise LabError(f"the KDC did not decide on {question}, at {step}: {text}")
    return Refused(f"{refusals[code]}: {text}", Step(step), code)


@contextmanager
def mirrored(lab: Lab) -> Iterator[None]:
    """Mirror the migration values while asking, and leave the values as they were."""
    mirror_migration_values(lab)
    try:
        yield
    finally:
        unmirror(lab)


def mirror_migration_values(lab: Lab) -> None:
    """Give every migration value present now its escaped twin, and drop twins without one.

    Samba's KDC looks up a service class with spaces in its escaped form, here and among the
    service principal names. With the twins it decides on the presence of the real values.
    """
    mirror(lab, twins_of=is_migration)


def unmirror(lab: Lab) -> None:
    """Drop all escaped twins."""
    mirror(lab, twins_of=lambda _value: False)


def mirror(lab: Lab, twins_of: Callable[[str], bool]) -> None:
    """Bring each object's twins in line with those of its values that are to have one."""
    changes = []
    for entry in search(lab, f"({DELEGATION}=*)", DELEGATION, account=ADMINISTRATOR):
        values = entry.texts(DELEGATION)
        there = {value.casefold(): value for value in values if is_twin(value)}
        wanted = {escaped(value).casefold(): escaped(value) for value in values if twins_of(value)}
        surplus = [there[name] for name in there.keys() - wanted.keys()]
        lacking = [wanted[name] for name in wanted.keys() - there.keys()]
        steps = [("delete", DELEGATION, surplus), ("add", DELEGATION, lacking)]
        if surplus or lacking:
            changes.append(ldif.modification(entry.dn, *(step for step in steps if step[2])))
    admin.modify(lab, "".join(changes))


def is_migration(value: str) -> bool:
    """Tell a migration value in its real form."""
    return value.casefold().startswith(f"{MIGRATION}/".casefold())


def is_twin(value: str) -> bool:
    """Tell a migration value in its escaped form."""
    return value.casefold().startswith(f"{escaped(MIGRATION)}/".casefold())
