"""A value's endpoint, Snapshot -> who answers to its name, and what to do where it is another.

A plan refuses by it, an audit and an explanation tell it. The hosts can act as any user towards
whoever holds a name on their lists, so that to move HOST/hv02 is to move all that hv02 is trusted
with (Semperis, SPN-jacking, 2022).
"""

import re
from collections.abc import Collection, Iterator
from typing import NamedTuple

from delegation import names
from delegation.mesh import facts
from delegation.mesh.desired import Endpoint
from delegation.mesh.snapshot import Computer, Snapshot


class NameOwners(NamedTuple):
    """Who answers to ``value`` of ``endpoint``: the holders of ``registered``.

    ``registered`` is the value itself, or what stands for it (HOST/…); where nobody answers, what
    would. ``target`` is the endpoint's account, ``alias`` the name that stands for the value in
    this forest, if one does. ``assumed``: what HOST stands for was not read.
    """

    endpoint: Endpoint
    value: str
    registered: str
    owners: tuple[Computer, ...]
    target: Computer | None
    alias: str | None
    target_has_alias: bool
    assumed: bool

    @classmethod
    def of(cls, snapshot: Snapshot, endpoint: Endpoint, value: str) -> "NameOwners":
        alias = snapshot.mappings.alias(value)
        registered, owners = snapshot.answering_by(value, alias)
        target = snapshot.computer(endpoint.computer)
        holders = snapshot.holders(alias) if alias else []
        has_alias = target is not None and any(it.guid == target.guid for it in holders)
        assumed = not snapshot.mappings.is_read
        return cls(endpoint, value, registered, tuple(owners), target, alias, has_alias, assumed)

    @property
    def others(self) -> list[Computer]:
        """Those who answer and are not the endpoint's own account, by name."""
        own = self.target.guid if self.target else None
        others = [owner for owner in self.owners if owner.guid != own]
        return sorted(others, key=lambda owner: (owner.account, owner.dn))

    @property
    def are_several(self) -> bool:
        return len(self.owners) > 1

    @property
    def by_alias(self) -> bool:
        return self.registered.casefold() != self.value.casefold()

    @property
    def subject(self) -> str:
        """The name that is meant, in words that lead back to the value."""
        if not self.by_alias:
            return self.value
        assumed = " (default sPNMappings assumed)" if self.assumed else ""
        return f"{self.registered}, which stands for {self.value}{assumed},"

    @property
    def held_elsewhere(self) -> str:
        """What is wrong, where another account answers, alone or as well; else empty."""
        if not self.others:
            return ""
        who = ", ".join(facts.told_apart(self.others))
        if self.are_several:
            outcome = "tickets for it fail, or go to the wrong one"
            return f"{self.subject} is registered on another account as well ({who}): {outcome}"
        return f"{self.subject} is registered on another account ({who}): tickets for it go there"

    @property
    def fix(self) -> str:
        """What to do where another account answers. It takes no name from whom it belongs to."""
        leftovers = [owner for owner in self.owners if facts.is_conflict(owner.dn, owner.account)]
        if leftovers:
            return facts.conflict_advice(leftovers[0].dn)
        spn = names.ServicePrincipalName.parse(self.registered)
        host = spn.host if spn else ""
        called = [owner for owner in self.owners if _is_called(owner, host)]
        is_own = self.target is not None and _is_called(self.target, host)
        if self.target is not None and is_own and self.target not in called:
            called.append(self.target)
        if len(called) > 1:
            both = " and ".join(facts.told_apart(called))
            return f"several computers go by that name ({both}): {facts.WHICH_IS_USED}"
        if called and not is_own:
            return (
                f"it is {called[0].account}'s own name and stays there: correct the inventory, or "
                f"what {self.endpoint.label} is called"
            )
        if self.target is None or not is_own:
            who = facts.told_apart(self.others)[0]
            return (
                f"{who} may need it, as an alias for example: leave it there, and name that "
                "account in the inventory if it is the one that is meant"
            )
        return f"leave it on one account: {', then '.join(self._commands(self.target))}"

    @property
    def is_unregistered(self) -> bool:
        """Nobody answers to a name of the account's own, which it has by HOST as a rule."""
        if self.target is None or self.owners or not self.by_alias:
            return False
        spn = names.ServicePrincipalName.parse(self.value)
        return spn is not None and _is_called(self.target, spn.host)

    def _commands(self, target: Computer) -> Iterator[str]:
        for other in self.others:
            # Of two so called, setspn takes the computer.
            is_namesake = other.account.casefold() == target.name.casefold()
            edit = "-U -D" if is_namesake else "-D"
            yield f"setspn {edit} {_spn(self.registered)} {_account(other)}"
        if any(owner.guid == target.guid for owner in self.owners) or self.target_has_alias:
            return
        service = names.ServicePrincipalName.parse(self.value)
        if service and service.service.casefold() == names.MIGRATION.casefold():
            yield f"on {self.endpoint.label}: Restart-Service vmms, which registers it"
        else:
            yield f"setspn -S {_spn(self.alias or self.value)} {_account(target)}"

    @property
    def registering(self) -> str:
        """How the target gets a name that nobody has."""
        name = self.target.name if self.target else self.endpoint.computer
        return f"setspn -S {_spn(self.registered)} {in_powershell(name, plain=True)}"

    @property
    def registering_itself(self) -> str:
        """How the target gets the very name, whatever else stands for it."""
        name = self.target.name if self.target else self.endpoint.computer
        return f"setspn -S {_spn(self.value)} {in_powershell(name, plain=True)}"


def of_endpoint(snapshot: Snapshot, endpoint: Endpoint) -> Iterator[NameOwners]:
    """Of each of an endpoint's values."""
    for value in endpoint.values:
        yield NameOwners.of(snapshot, endpoint, value)


def look_alikes(
    snapshot: Snapshot, endpoints: Collection[Endpoint]
) -> Iterator[tuple[Endpoint, str, str, Computer]]:
    """Names with other letters that Active Directory may take for an endpoint's: value, name, who.

    It compares more loosely than case apart; how a given domain controller does, is its locale's.
    """
    foreign = [
        (names.loose(spn), spn, account)
        for account in snapshot.accounts
        for spn in account.spns
        if not spn.isascii()
    ]
    for endpoint in endpoints if foreign else ():
        target = snapshot.computer(endpoint.computer)
        for value in endpoint.values:
            keys = {value.casefold(), (snapshot.mappings.alias(value) or value).casefold()}
            for key, spn, account in foreign:
                is_own = target is not None and account.guid == target.guid
                if key in keys and spn.casefold() not in keys and not is_own:
                    yield endpoint, value, spn, account


def _is_called(account: Computer, host: str) -> bool:
    """Whether ``host`` is the account's own name, short or by DNS."""
    called = {(account.dns_host_name or "").casefold()}
    if account.account.endswith("$"):
        called.add(account.name.casefold())
    return host.casefold() in called - {""}


def _spn(spn: str) -> str:
    return in_powershell(spn)


def _account(account: Computer) -> str:
    return in_powershell(account.name, plain=True)


def in_powershell(text: str, *, plain: bool = False) -> str:
    """``text`` as one word of a command line that PowerShell takes as it stands.

    Double quotes wherever they do, because cmd.exe knows no others. ``plain``: without any where
    it needs none.
    """
    if plain and _PLAIN_WORD.match(text):
        return text
    if _ACTIVE.isdisjoint(text):
        return f'"{text}"'
    return "'" + "".join(2 * c if c in _SINGLE_QUOTES else c for c in text) + "'"


_PLAIN_WORD = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*\Z")
_SINGLE_QUOTES = frozenset("'\u2018\u2019\u201a\u201b")
"""All of these end a string in single quotes, and stand for themselves where they are doubled."""
_ACTIVE = frozenset('"$`\u201c\u201d\u201e')
"""What means something within double quotes."""
