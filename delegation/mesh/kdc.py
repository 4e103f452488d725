"""Accounts, a name, evidence -> what a KDC answers a host that acts as a user (MS-SFU 3.2.5).

The host (Service 1) shows *evidence*: a ticket to itself in the user's name, which it asked for
(S4U2self) or which the user came with. It asks for a ticket to Service 2 (S4U2proxy). The decision
is made step by step, as MS-SFU has it for domain controllers that enforce (note 26). What is not
known stays unknown: a decision is granted, refused, or None. docs/kdc.md tells how it compares
with a KDC that runs.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum, StrEnum

from delegation import names
from delegation.mesh.acting_list import lets_act
from delegation.mesh.snapshot import TRUSTED_TO_AUTH_FOR_DELEGATION, Ace, Computer, Operator


class Evidence(StrEnum):
    """What the source shows of the user."""

    S4U2SELF = "s4u2self"
    """A ticket that the source asked for: the user was never there (protocol transition).

    The only evidence that Hyper-V has since Windows Server 2016, where a migration is asked for
    from elsewhere: WinRM took the place of a logon that left a ticket with the source.
    """
    TICKET = "ticket"
    """The ticket with which the user came to the source (Kerberos only).

    The list alone decides about it. So a source without the flag delegates as well as one with it:
    the attribute is the truth, and not the flag.
    """


class Route(StrEnum):
    """Which list lets the source through."""

    CLASSIC = "classic"
    """The source's own: msDS-AllowedToDelegateTo, the names of services."""
    RBCD = "rbcd"
    """The target's: msDS-AllowedToActOnBehalfOfOtherIdentity, resource-based.

    A security descriptor over accounts: it takes groups, and it does not care by which name the
    target was asked for.
    """


class KdcError(Enum):
    """How the KDC says no (RFC 4120 7.5.9)."""

    S_PRINCIPAL_UNKNOWN = 7
    BADOPTION = 13
    CLIENT_REVOKED = 18

    def __str__(self) -> str:
        return f"KDC_ERR_{self.name} ({self.value})"


class Check(StrEnum):
    """The steps, in their order."""

    SOURCE = "the source logs on"
    USER = "the user's account is open"
    SERVICE = "one account answers to the service's name"
    LISTED = "a list lets the source through"
    FORWARDABLE = "the evidence may be passed on"


@dataclass(frozen=True, slots=True)
class DecisionStep:
    """One step: whether it ``holds`` (None: it can't be told) and why, and the error if not.

    ``status`` is the NTSTATUS that comes with the error, where MS-SFU names one.
    """

    check: Check
    holds: bool | None
    why: str
    section: str
    error: KdcError | None = None
    status: str = ""


@dataclass(frozen=True, slots=True)
class Decision:
    """``by`` tells the list that lets the source through, whether the ticket is granted or not."""

    steps: tuple[DecisionStep, ...]
    by: Route | None

    @property
    def granted(self) -> bool | None:
        """Whether the ticket is given; None where a step that can't be told decides."""
        # One step that fails is a "no" whatever is not known of the others.
        if any(step.holds is False for step in self.steps):
            return False
        if any(step.holds is None for step in self.steps):
            return None
        return True

    @property
    def stopped(self) -> DecisionStep | None:
        """The first step that fails, else the first of which it can't be told."""
        failed = [step for step in self.steps if step.holds is False]
        unknown = [step for step in self.steps if step.holds is None]
        stopping = failed or unknown
        return stopping[0] if stopping else None


@dataclass(frozen=True, slots=True)
class Service:
    """A service's account, as source or as target.

    ``realm`` is the key of its naming context. ``token`` holds its own SID and those of its groups;
    None where the directory doesn't tell. ``acting`` is who may act towards it on behalf of others.
    """

    name: str
    realm: str
    enabled: bool = True
    allowed_to_delegate_to: tuple[str, ...] = ()
    protocol_transition: bool = False
    sid: str = ""
    token: frozenset[str] | None = None
    acting: tuple[Ace, ...] = ()

    @classmethod
    def of(cls, account: Computer, token: frozenset[str] | None = None) -> "Service":
        """An account as it was read; a domain is its naming context here, not a DNS suffix."""
        return cls(
            account.account,
            realm=names.naming_context(account.dn),
            enabled=account.enabled,
            allowed_to_delegate_to=account.values,
            protocol_transition=bool(account.uac & TRUSTED_TO_AUTH_FOR_DELEGATION),
            sid=account.sid,
            token=token,
            acting=account.acting,
        )


@dataclass(frozen=True, slots=True)
class User:
    """Whom the source wants to act as; as it stands, somebody whom nothing speaks against."""

    name: str = "anybody"
    enabled: bool = True
    not_delegated: bool = False
    protected: bool | None = False

    @classmethod
    def of(cls, operator: Operator) -> "User":
        """Of an operator who has an account."""
        enabled = operator.account is not None and operator.account.enabled
        return cls(operator.name, enabled, operator.not_delegated, operator.protected)


def decide(
    source: Service, owners: Sequence[Service] | None, spn: str, user: User, evidence: Evidence
) -> Decision:
    """Whether ``source`` gets a ticket to ``spn`` in the name of ``user``.

    ``owners`` are the accounts that answer to the name: one, if all is well; None where it is not
    known who has registered what.
    """
    listed, by = _listed(source, owners, spn)
    # A KDC stops at the first step that fails. Here each is judged, because whoever mends a pair
    # wants to know of the second fault before the first is mended; ``stopped`` is the KDC's answer.
    steps = (
        _source(source),
        _user(user, evidence),
        _service(spn, owners),
        listed,
        _forwardable(source, user, evidence),
    )
    return Decision(steps, by)


def _source(source: Service) -> DecisionStep:
    if source.enabled:
        return DecisionStep(Check.SOURCE, True, f"{source.name} is enabled", _KILE)
    why = f"{source.name} is disabled: it gets no ticket at all"
    return DecisionStep(Check.SOURCE, False, why, _KILE, KdcError.CLIENT_REVOKED)


_KILE = "MS-KILE 3.3.5.6.3"


def _user(user: User, evidence: Evidence) -> DecisionStep:
    if user.enabled:
        return DecisionStep(Check.USER, True, f"{user.name} may log on", _KILE)
    if evidence is Evidence.S4U2SELF:
        consequence = "nobody can ask for a ticket in that name"
    else:
        consequence = "it gets no ticket to come with"
    why = f"{user.name} is disabled: {consequence}"
    return DecisionStep(Check.USER, False, why, _KILE, KdcError.CLIENT_REVOKED)


def _service(spn: str, owners: Sequence[Service] | None) -> DecisionStep:
    """Whether the name leads to one account, whose key the ticket is encrypted with.

    Whoever holds the very name comes before the holder of HOST/…, for which the name might stand:
    ``owners`` are told by that rule. Two holders are as good as none.
    """
    section = "MS-KILE 3.3.5.1.1, MS-DRSR 4.1.4.2.14"
    if owners is None:
        return DecisionStep(Check.SERVICE, None, f"who answers to {spn} is not known", section)
    if len(owners) == 1:
        return DecisionStep(Check.SERVICE, True, f"{spn} is {owners[0].name}'s", section)
    who = " and ".join(sorted(owner.name for owner in owners))
    why = f"{spn} is registered on {who}" if owners else f"nobody answers to {spn}"
    return DecisionStep(Check.SERVICE, False, why, section, KdcError.S_PRINCIPAL_UNKNOWN)


def _listed(
    source: Service, owners: Sequence[Service] | None, spn: str
) -> tuple[DecisionStep, Route | None]:
    """The source's list, and where that does not let it through, the target's.

    In that order (MS-SFU 3.2.5.2.1, then 3.2.5.2.3): a source whose own list lacks the name may be
    let through all the same, and a pair can work although its values are missing.
    """
    target = owners[0] if owners and len(owners) == 1 else None
    at_home = target is None or target.realm == source.realm
    # The list holds names, not accounts: a short name there is no answer to an FQDN, and the
    # account behind a name may change without the list.
    listed_names = {value.casefold() for value in source.allowed_to_delegate_to}
    if spn.casefold() not in listed_names:
        classic = f"{source.name} does not list {spn}"
    elif at_home:
        step = DecisionStep(Check.LISTED, True, f"{source.name} lists {spn}", "MS-SFU 3.2.5.2.1")
        return step, Route.CLASSIC
    else:
        classic = f"{source.name} lists {spn}, which counts in its own realm only"
    if owners is None:
        return _by_target(f"{classic}; what the target lists is not known", holds=None), None
    if target is None or not target.acting:
        status = "STATUS_NO_MATCH" if listed_names else "STATUS_NOT_SUPPORTED"
        return _by_target(f"{classic}, and the target lists nobody", status, holds=False), None
    allowed = lets_act(target.acting, source.sid, source.token)
    if allowed is False:
        why = f"{classic}, and what {target.name} lists does not let it act"
        return _by_target(why, "STATUS_NOT_FOUND", holds=False), None
    if allowed and at_home:
        why = f"{target.name} lets {source.name} act on behalf of others"
        return _by_target(why, holds=True), Route.RBCD
    why = f"which groups {source.name} is in, this directory does not tell"
    if source.token is not None:
        why = f"what {target.name} lists has a condition, or is for a part of it"
    if not at_home:
        why = f"what {target.name} lists is for a KDC of its own realm to judge"
    return _by_target(f"{classic}; {why}", holds=None), None


def _by_target(why: str, status: str = "", *, holds: bool | None) -> DecisionStep:
    error = KdcError.BADOPTION if holds is False else None
    return DecisionStep(Check.LISTED, holds, why, "MS-SFU 3.2.5.2.3", error, status)


def _forwardable(source: Service, user: User, evidence: Evidence) -> DecisionStep:
    """Whether the evidence is a ticket that may be passed on, which both lists ask for.

    Bars of the user come first: NOT_DELEGATED and Protected Users take the forwardable flag from
    every ticket of his, of whichever kind, and no flag of a host gives it back.
    """
    section = "MS-SFU 3.2.5.1.2" if evidence is Evidence.S4U2SELF else "MS-KILE 3.3.5.1"
    why = ""
    if user.not_delegated:
        why = f"{user.name} is marked sensitive and cannot be delegated"
    elif user.protected:
        why = f"{user.name} is in Protected Users"
    elif evidence is Evidence.S4U2SELF and _keeps_to_itself(source):
        why = f"{source.name} has no protocol transition: the ticket it asks for stays with it"
    if why:
        status = "STATUS_ACCOUNT_RESTRICTION"
        return DecisionStep(Check.FORWARDABLE, False, why, section, KdcError.BADOPTION, status)
    if user.protected is None:
        why = f"whether {user.name} is in Protected Users, this directory does not tell"
        return DecisionStep(Check.FORWARDABLE, None, why, section)
    return DecisionStep(Check.FORWARDABLE, True, f"{user.name} may be delegated", section)


def _keeps_to_itself(source: Service) -> bool:
    """Whether a ticket that ``source`` asks for is of use to itself alone.

    What decides is the list and the flag together (MS-SFU 3.2.5.1.2). With an empty list the ticket
    is forwardable even without protocol transition, because a target's list may count: a retired
    host whose list was emptied keeps what its peers' own lists give it.
    """
    return bool(source.allowed_to_delegate_to) and not source.protocol_transition
