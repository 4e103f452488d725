"""MeshCase -> observations from outside in: what of the whole domain reaches the mesh, or stops it.

Nothing is told where nobody looked (``audit --inside-only``, a plan's check, a report).
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from delegation import names
from delegation.mesh.checks.rule import MeshCase, Observation, Rule, Severity
from delegation.mesh.facts import SENSITIVE

if TYPE_CHECKING:
    from delegation.mesh.outside import Outsider


def _outsiders(case: MeshCase) -> Iterator[Observation]:
    """Who is on no list of the inventory's, and may act as a user towards its hosts all the same.

    The classic list is guarded by SeEnableDelegationPrivilege. It stays where somebody once put it,
    and an account of a management server is easier to take than a host (MS-SFU 3.2.5.2.1).
    """
    if case.around is None:
        return
    from delegation.mesh import outside  # only where the domain was searched

    for outsider in outside.outsiders(case.comparison, case.around):
        yield from _reaching(outsider)


def _reaching(outsider: "Outsider") -> Iterator[Observation]:
    account = outsider.account
    how, severity = _powers(outsider)
    for label, values in outsider.reached.items():
        services = sorted({_service(value) for value in values})
        message = (
            f"{account.name} is not in the inventory, and its own list names "
            f"{' and '.join(services)} of it: {how}"
        )
        # A further name on the list is another way in; in other words it is the same.
        named = tuple(sorted({f"{account.identity} {value.casefold()}" for value in values}))
        yield Observation(label, account.name, message, severity=severity, named=named)


def _powers(outsider: "Outsider") -> tuple[str, Severity]:
    account = outsider.account
    if account.uac is None:
        unseen = "what it may do is unknown, because this logon may not see its userAccountControl"
        return unseen, Severity.HIGH
    if account.is_disabled:
        return "it may act as users there once somebody enables it", Severity.MEDIUM
    if account.transition:
        return "with protocol transition it may act as any user there", Severity.HIGH
    return "it may act there as users who come to it by Kerberos", Severity.MEDIUM


def _service(value: str) -> str:
    spn = names.ServicePrincipalName.parse(value)
    return spn.service if spn else value


def _unlisted(case: MeshCase) -> Iterator[Observation]:
    """Hyper-V hosts by the name that their migration service registers, which nobody manages."""
    if case.around is None or case.scope is not None:
        return
    from delegation.mesh import outside

    for account in outside.unlisted(case.comparison, case.around):
        message = "has registered the migration service, and no inventory that is known lists it"
        yield Observation(account.name, "", message, named=(str(account.guid),))


def _krbtgt(case: MeshCase) -> Iterator[Observation]:
    """One report: with it, all constrained delegation of a domain ended with 0x8009030E.

    The mechanism is the reporter's (azure-docs #78298) and in no specification.
    """
    if case.around is None or case.around.krbtgt is None or case.scope is not None:
        return
    krbtgt = case.around.krbtgt
    if krbtgt.is_sensitive is None:
        message = "whether krbtgt is marked so is unknown: this logon may not see its flags"
        yield Observation("", krbtgt.name, message, named=(krbtgt.identity,))
    elif krbtgt.is_sensitive:
        message = f"krbtgt is {SENSITIVE}: migrations of the whole domain may end with 0x8009030E"
        yield Observation("", krbtgt.name, message, named=(krbtgt.identity,))


RULES = (
    Rule(
        "KCD029",
        Severity.HIGH,
        "an account outside the inventory that may delegate to hosts of it",
        "ask its owner; clear them from its msDS-AllowedToDelegateTo where nobody needs them",
        "MS-SFU 3.2.5.2.1: the KDC grants whatever the list names; RFC 4120 5.3",
        _outsiders,
        preflight=False,
    ),
    Rule(
        "KCD030",
        Severity.LOW,
        "a computer with the migration service that no inventory lists",
        "list it under hosts, or under retired where it is gone",
        "VMMS registers the name when it starts; MS-ADTS 3.1.1.5.3.1.1.4",
        _unlisted,
        preflight=False,
    ),
    Rule(
        "KCD035",
        Severity.LOW,
        "krbtgt is marked sensitive",
        "where delegation fails: Set-ADUser krbtgt -AccountNotDelegated $false; it is set on no "
        "krbtgt by default",
        "azure-docs #78298, one report; MS-ADTS 2.2.16 (0x100000)",
        _krbtgt,
        preflight=False,
    ),
)
