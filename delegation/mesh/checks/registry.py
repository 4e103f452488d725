"""Who answers to a service principal name, of the accounts that were read.

A value is the name of a service. A KDC gives the ticket to whichever account has registered that
name, so a value is as good as the account behind it.
"""

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
        accounts = [a for a in snapshot.accounts if facts.is_home(snapshot.directory, a.dn)]
        self._home = {account.guid for account in accounts}
        self._names = {a.name.casefold() for a in accounts if a.account.endswith("$")}
        self._names |= {a.dns_host_name.casefold() for a in accounts if a.dns_host_name}
        self._targets: dict[str, ValueTarget] = {}
        self.is_known = any(account.spns for account in accounts)
        """False of an export that was made without servicePrincipalName: nothing can be told."""

    def target(self, value: str) -> ValueTarget:
        """Whom ``value`` leads to; the same value stands on every peer, and is looked up once."""
        if value not in self._targets:
            self._targets[value] = self._target(value)
        return self._targets[value]

    def _target(self, value: str) -> ValueTarget:
        spn = names.ServicePrincipalName.parse(value)
        if spn is None:
            return ValueTarget((), is_ghost=False, danger="")
        # An explicit registration beats HOST/…: a KDC looks for the very name first, so that
        # whoever registers cifs/hv02 takes its tickets from the holder of HOST/hv02.
        owners = tuple(o for o in self._snapshot.owners(value) if o.guid in self._home)
        danger = self._danger(spn, owners)
        # No ghost where the host is there: it registers such a name itself when it starts.
        answered = owners or danger or spn.host.casefold() in self._names
        return ValueTarget(owners, is_ghost=self.is_known and not answered, danger=danger)

    def _danger(self, spn: names.ServicePrincipalName, owners: tuple[Computer, ...]) -> str:
        if spn.service.casefold() in facts.KDC_SERVICES or any(map(facts.is_krbtgt, owners)):
            return "leads to krbtgt, the key distribution center itself"
        for owner in owners:
            if owner.is_domain_controller:
                return f"leads to a domain controller ({owner.account})"
        if facts.names_controller(str(spn), self._snapshot.domain_controller_names):
            return "names a domain controller"
        return ""
