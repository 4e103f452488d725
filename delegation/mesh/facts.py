"""Accounts and values -> the facts that several judges rest on, each stated once.

A plan refuses by them, checks report them, an explanation names them. What is to be done about a
fact is for each of these to say.
"""

from collections import Counter
from collections.abc import Collection, Iterable
from enum import Enum
from typing import NamedTuple

from delegation import names
from delegation.mesh.snapshot import Computer, Directory, Operator, Snapshot

OWNS_THE_DOMAIN = "whoever may act as a user towards it owns the domain"
"""Of a domain controller: the service's name is not in the encrypted part of a ticket (RFC 4120
5.3), so that a ticket for any of its names can be rewritten to ldap/ or cifs/ there (Solino,
Kerberos Delegation, SPNs and More, 2017).
"""


def is_export(directory: Directory) -> bool:
    """Whether what is absent may only have been left out: a file, and not a directory."""
    return directory.url.startswith("ldif:")


def is_home(directory: Directory, dn: str) -> bool:
    """Whether an object is in the domain that was asked.

    By its naming context: a DNS suffix proves nothing, because a host's may differ from the name
    of its domain (a disjoint namespace).
    """
    return names.naming_context(dn) == names.dn_key(directory.base_dn)


def has_fqdn(account: Computer, fqdn: str) -> bool:
    """Whether the account itself goes by ``fqdn``, case apart."""
    return (account.dns_host_name or "").casefold() == fqdn.casefold()


class NoAccount(Enum):
    """Why a computer's name leads to no account that could be used."""

    MISSING = 1
    AMBIGUOUS = 2
    OUTSIDE = 3
    """Of the domain, but not below directory.search_base."""
    OTHER_DOMAIN = 4


def why_no_account(snapshot: Snapshot, computer: str) -> tuple[NoAccount, str] | None:
    """What keeps ``computer`` from being exactly one account in the domain; None: nothing does."""
    base = snapshot.directory.base_dn
    if several := snapshot.ambiguous.get(computer):
        why = f"several accounts are {computer}$: {' and '.join(several)}"
        leftovers = [dn for dn in several if is_conflict(dn)]
        if leftovers:
            why += f"; {conflict_advice(leftovers[0])}"
        return NoAccount.AMBIGUOUS, why
    if dn := snapshot.elsewhere.get(computer):
        if is_home(snapshot.directory, dn):
            return NoAccount.OUTSIDE, f"{dn} is outside directory.search_base"
        return NoAccount.OTHER_DOMAIN, f"{dn} is in another domain than {base}"
    if snapshot.computer(computer) is None:
        return NoAccount.MISSING, f"there is no computer {computer}$ in {base}"
    return None


WHICH_IS_USED = "look which of the two the host uses (pwdLastSet, lastLogon)"
"""How two accounts of one computer are told apart: it renews the password of one only, and logs on
with it (lastLogon is each domain controller's own).
"""


def is_conflict(dn: str, account: str = "") -> bool:
    """Whether an object is the loser of a replication conflict.

    Two domain controllers made an object of one name: the DN of one gets CNF and its GUID, or the
    sAMAccountName becomes $DUPLICATE-… (MS-ADTS 3.1.1.5.1.2, KB 297083).
    """
    key = dn.casefold()
    return "\\0acnf:" in key or "\ncnf:" in key or account.casefold().startswith("$duplicate-")


def conflict_advice(dn: str) -> str:
    """What to do about such an object; nothing is to be taken from either before."""
    shown = dn.replace("\n", "\\0A")
    return f"{shown} is the leftover of a replication conflict: {WHICH_IS_USED}, delete the other"


def told_apart(accounts: Iterable[Computer]) -> list[str]:
    """What accounts are called, with the DN of those that are called alike."""
    found = sorted(accounts, key=lambda account: (account.account.casefold(), account.dn))
    counted = Counter(account.account.casefold() for account in found)
    told: list[str] = []
    for account in found:
        is_alone = counted[account.account.casefold()] == 1
        told.append(account.account if is_alone else f"{account.account} ({account.dn})")
    return told


KDC_SERVICES = frozenset({"krbtgt", "kadmin"})
"""Service classes of the account krbtgt: tickets that make tickets, and passwords."""


def is_krbtgt(account_name: str) -> bool:
    """Also that of a read-only domain controller, krbtgt_12345 (MS-ADTS 6.1.1.3.2)."""
    name = account_name.casefold()
    return name == "krbtgt" or name.startswith("krbtgt_")


TO_KRBTGT = "leads to krbtgt, the key distribution center itself"


def danger_by_name(value: str, controller_names: Collection[str]) -> str:
    """Why a value is dangerous by what it names; empty where it names none of these hosts.

    The name counts by itself, whatever the service, and without an account that answers to it: a
    domain controller may register it at any time. ``controller_names`` are casefolded.
    """
    spn = names.ServicePrincipalName.parse(value)
    if spn is not None:
        is_kdc, host = spn.service.casefold() in KDC_SERVICES, names.loose(spn.host)
    else:
        account = names.account_named(value)
        is_kdc, host = is_krbtgt(account), account.removesuffix("$")
    if is_kdc:
        # A ticket to krbtgt in a user's name is that user's ticket-granting ticket: with it every
        # service of the domain can be had, not just those on the list (RFC 4120 3.3).
        return TO_KRBTGT
    return "names a domain controller" if host and host in controller_names else ""


class ValueCount(NamedTuple):
    """How many values one object holds, or would hold, against policy.value_limit.

    All values of an attribute that is not linked lie in one record of the database, which a page
    of it has to hold: about 1,200 over all such attributes of an object (Microsoft's AskDS blog).
    A write beyond it fails whole, with "administrative limit exceeded". Samba has no such limit.
    """

    values: int
    limit: int

    @property
    def is_beyond(self) -> bool:
        return self.values > self.limit

    @property
    def is_near(self) -> bool:
        """At four fifths there is still time to split a mesh."""
        return self.values * 100 >= 80 * self.limit

    @property
    def room(self) -> int:
        """How many more values it holds; never below 0."""
        return max(self.limit - self.values, 0)


SENSITIVE = 'marked "sensitive and cannot be delegated"'
PROTECTED = "in Protected Users, itself or through a group"


def bars_to_delegation(operator: Operator) -> list[str]:
    """What an operator's account *is* that keeps every KDC from passing its tickets on.

    Both make S4U2self give a ticket that is not forwardable, which S4U2proxy then refuses
    (MS-SFU 3.2.5.1.2): no list on any host has a say in it.
    """
    bars = [SENSITIVE] if operator.not_delegated else []
    return [*bars, PROTECTED] if operator.protected else bars


def groups_not_told(operator: Operator) -> str:
    """Why it can't be told whether an operator can be delegated."""
    return f"which groups {operator.name} is in, this directory does not tell"


def of_another_domain(operator: Operator) -> str:
    """Why nothing can be told of an operator of another domain: his namesake here is another."""
    return f"{operator.name} is of {operator.elsewhere}, which is not looked at"


ASK_THERE = (
    "ask a domain controller of that domain whether the account is marked sensitive, or in "
    "Protected Users"
)
"""What to do about it."""


def not_in_export(operator: Operator) -> str:
    return f"this export holds no account {operator.name}"
