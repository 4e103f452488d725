"""A snapshot's accounts -> whom a value leads to: who answers to a service principal name.

A value is the name of a service. A KDC encrypts the ticket to whichever account has registered
that name, so a value is as good as the account behind it (MS-KILE 3.3.5.1.1).
"""

from collections.abc import Iterable
from typing import NamedTuple

from delegation import names
from delegation.mesh import facts
from delegation.mesh.snapshot import Computer, Snapshot


class ValueTarget(NamedTuple):
    """Whom a value leads to.

    ``owners`` are the accounts of the domain that a ticket for it would be for. ``is_ghost``: it
    could be somebody's, and is nobody's. ``danger`` says why it leads to the whole domain, and is
    empty where it does not.
    """

    owners: tuple[Computer, ...]
    is_ghost: bool
    danger: str


class Registry:
    """The accounts of a snapshot's domain by the names that they answer to."""

    def __init__(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot
        # Names of another domain are another KDC's: the classic list counts only where source and
        # target are both of the KDC's own realm (MS-SFU 3.2.5.2.1).
        at_home = [
            account
            for account in snapshot.accounts
            if facts.is_home(snapshot.directory, account.dn)
        ]
        self._home = {account.guid for account in at_home}
        self._computer_names = _computer_names(at_home)
        self._targets: dict[str, ValueTarget] = {}
        self.is_known = any(account.spns for account in at_home)
        """False of an export that was made without servicePrincipalName: nothing can be told."""

    def target(self, value: str) -> ValueTarget:
        """Whom ``value`` leads to; the same value stands on every peer, and is looked up once."""
        if value not in self._targets:
            self._targets[value] = self._target(value)
        return self._targets[value]

    def _target(self, value: str) -> ValueTarget:
        spn = names.ServicePrincipalName.parse(value)
        host = spn.host.casefold() if spn else names.account_named(value)
        if not host:
            return ValueTarget((), is_ghost=False, danger="")
        # An explicit registration beats HOST/…: a KDC looks for the very name first, and maps the
        # service to HOST only where nobody has it (MS-DRSR 4.1.4.2.14, by the forest's
        # sPNMappings). Whoever registers cifs/hv02 takes its tickets from the holder of HOST/hv02.
        everybody = self._snapshot.owners(value)
        owners = tuple(owner for owner in everybody if owner.guid in self._home)
        danger = self._danger(value, owners)
        # No ghost where the host is there: it registers such a name itself when it starts, and
        # then the name is nobody else's to take.
        has_computer = host in self._computer_names
        is_answered = bool(owners or danger or has_computer)
        is_ghost = self.is_known and spn is not None and not is_answered
        return ValueTarget(owners, is_ghost=is_ghost, danger=danger)

    def _danger(self, value: str, owners: tuple[Computer, ...]) -> str:
        by_name = facts.danger_by_name(value, self._snapshot.domain_controller_names)
        if by_name == facts.TO_KRBTGT or any(facts.is_krbtgt(owner.account) for owner in owners):
            return facts.TO_KRBTGT
        for owner in owners:
            if owner.is_domain_controller:
                return f"leads to a domain controller ({owner.account})"
        return by_name


def _computer_names(accounts: Iterable[Computer]) -> set[str]:
    """What computers are called, short and by DNS, casefolded."""
    computer_names: set[str] = set()
    for account in accounts:
        if account.account.endswith("$"):
            computer_names.add(account.name.casefold())
        if account.dns_host_name:
            computer_names.add(account.dns_host_name.casefold())
    return computer_names
