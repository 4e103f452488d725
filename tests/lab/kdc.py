"""Ask the KDC itself: may this source act as this user towards this service?

The real S4U2Self and S4U2Proxy exchange (MS-SFU) with the source's keytab, by MIT's ``kinit`` and
``kvno``. What the KDC answers is the proof; what the directory holds is only the reason.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.lab import byhand, ldif
from tests.lab.description import ADMINISTRATOR, MIGRATION, Lab, LabError, escaped
from tests.lab.independent import DELEGATION, search
from tests.lab.programs import run

FIRST_ERROR = -1765328384
"""MIT's number of the protocol's error 0 (ERROR_TABLE_BASE_krb5)."""
REFUSALS = {12: "KDC_ERR_POLICY", 13: "KDC_ERR_BADOPTION"}
"""How a KDC says that it does not delegate (RFC 4120 7.5.9, MS-SFU 3.2.5.2)."""
OUTCOME = re.compile(r"Got cred; (-\d+)/(.*)")
"""How MIT's trace tells what came of a request for a ticket."""


@dataclass(frozen=True)
class Granted:
    """The KDC gave the source a ticket to the service in the user's name."""


@dataclass(frozen=True)
class Refused:
    """The KDC gave the source the user's ticket to itself, and would not pass it on."""

    reason: str


def ask(lab: Lab, source: str, user: str, service: str) -> Granted | Refused:
    """Ask whether ``source`` (``hv01``) may act as ``user`` towards ``service`` (``cifs/hv02``).

    For the migration service the values must be ``mirrored``.

    Raises:
        LabError: the question was not decided: no ticket for the source itself, a service that the
            KDC does not know, no KDC. A refusal is never inferred from such a fault.
    """
    return ask_each(lab, source, user, [service])[service]


def ask_each(
    lab: Lab, source: str, user: str, services: Sequence[str]
) -> dict[str, Granted | Refused]:
    """Ask for several services, each with a request of its own; raises as ``ask`` does."""
    with tempfile.TemporaryDirectory(prefix="kdc-", dir=lab.folder) as folder:
        cache = f"FILE:{folder}/ccache"
        itself = f"{source.upper()}$@{lab.realm}"
        evidence = ["kvno", "-q", "-c", cache, "-I", user]
        insist(lab, ["kinit", "-c", cache, "-k", "-t", str(lab.keytab(source)), itself])
        insist(lab, [*evidence, itself])
        return {
            service: proxy(lab, [*evidence, "-P", f"{service}@{lab.realm}"], Path(folder) / "trace")
            for service in services
        }


def insist(lab: Lab, command: list[str]) -> None:
    """Run a step that delegation has no part in; raise LabError when it fails."""
    done = run(lab, command)
    if done.returncode != 0:
        raise LabError(f"{' '.join(command)}: {done.stderr.strip()}")


def proxy(lab: Lab, command: list[str], trace: Path) -> Granted | Refused:
    """Run the step that the KDC decides on (S4U2Proxy); raise LabError when it does not decide."""
    trace.unlink(missing_ok=True)
    done = run(lab, command, KRB5_TRACE=str(trace))
    if done.returncode == 0:
        return Granted()
    outcomes = OUTCOME.findall(trace.read_text())
    code, meaning = outcomes[-1] if outcomes else (0, "")
    if int(code) - FIRST_ERROR not in REFUSALS:
        raise LabError(f"the KDC did not decide on {command[-1]}: {done.stderr.strip()}")
    return Refused(f"{REFUSALS[int(code) - FIRST_ERROR]}: {meaning}")


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
    byhand.modify(lab, "".join(changes))


def is_migration(value: str) -> bool:
    """Tell a migration value in its real form."""
    return value.casefold().startswith(f"{MIGRATION}/".casefold())


def is_twin(value: str) -> bool:
    """Tell a migration value in its escaped form."""
    return value.casefold().startswith(f"{escaped(MIGRATION)}/".casefold())
