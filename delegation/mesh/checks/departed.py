"""MeshCase -> observations of hosts that are gone, or seem to be: retired, dropped, silent.

Their accounts outlive them. Whoever has a disk of such a machine has its account's password, and
with it all that the account may still do.
"""

from collections.abc import Iterator
from datetime import timedelta

from delegation import names
from delegation.inventory import OwnValues
from delegation.mesh import retirement
from delegation.mesh.acting_list import lets_act
from delegation.mesh.checks.rule import MeshCase, Observation, Rule, Severity
from delegation.mesh.planning import transition
from delegation.mesh.snapshot import Computer

SILENCE = timedelta(days=90)
"""A member server renews its password every 30 days, and is seen then at the latest."""


_NOBODY: frozenset[str] = frozenset()


def _retired(case: MeshCase) -> Iterator[Observation]:
    """What a plan can't, or must not, take from a retired host's account."""
    yield from _still_acting(case)
    for host in case.comparison.retired:
        is_on, wanted = transition(case.comparison, host)
        if is_on and wanted:
            message = (
                "its host is retired, and protocol transition stays on, for values of somebody else"
            )
            fix = (
                "agree it with their owner and say protocol_transition: accept in their keep rule, "
                "or have the values removed; then delegation apply"
            )
            yield Observation(host.label, "", message, fix)
    inventory, snapshot = case.comparison.inventory, case.comparison.snapshot
    for label, what, fix in retirement.left_alone(inventory, snapshot, case.scope):
        yield Observation(label, "", what, fix)


def _still_acting(case: MeshCase) -> Iterator[Observation]:
    """Retired accounts on the resource-based lists of hosts.

    To empty the account's own list does not help there: with an empty one, S4U2self gives it a
    forwardable ticket without protocol transition (MS-SFU 3.2.5.1.2).
    """
    for account in _retired_accounts(case):
        token = case.comparison.snapshot.tokens.get(account.guid)
        for host in case.comparison.hosts:
            acting = host.computer.acting
            # Where everybody may, the list itself is the finding (KCD016).
            is_meant = lets_act(acting, account.sid, token) and not lets_act(acting, "", _NOBODY)
            if is_meant:
                message = (
                    f"{account.account}, whose host is retired, may act on it on behalf of others, "
                    "resource-based"
                )
                yield Observation(host.label, "", message, named=(str(account.guid),))


def _retired_accounts(case: MeshCase) -> Iterator[Computer]:
    for former in case.comparison.inventory.retired:
        account = retirement.own_account(case.comparison.snapshot, former)
        if account is not None and former.own is OwnValues.REMOVE:
            yield account


def _dropped(case: MeshCase) -> Iterator[Observation]:
    """Hosts that went from the inventory without a word: no plan takes anything from them.

    A disabled one gets no ticket (MS-KILE 3.3.5.6.3), until somebody enables it again.
    """
    comparison = case.comparison
    labels = comparison.labels
    found = list(retirement.dropped(comparison.inventory, comparison.snapshot, labels))
    # One line for all of them: the inventory has one list of retired hosts.
    line = retirement.line_to_add(comparison.inventory, [one.account for one in found])
    for one in found:
        message = (
            f"not in the inventory, and holds {names.counted(len(one.values), 'value')} that let "
            f"it act as any user towards {names.fold(one.labels)}"
        )
        fix = f"where it is gone, {line}; where it lives on, list it under hosts"
        severity = None if one.account.enabled else Severity.MEDIUM
        message += "" if one.account.enabled else ", once somebody enables it"
        named = (str(one.account.guid),)
        yield Observation(one.account.name, "", message, fix, severity, named)


def _silent(case: MeshCase) -> Iterator[Observation]:
    """By lastLogonTimestamp, which is up to two weeks behind (MS-ADA1); unknown is not silent."""
    for host in case.comparison.hosts:
        seen = host.computer.last_logon
        if seen is not None and host.computer.enabled and case.comparison.today - seen >= SILENCE:
            yield Observation(host.label, "", f"its account was last seen on {seen}")


RULES = (
    Rule(
        "KCD022",
        Severity.HIGH,
        "a retired host's account that may still act",
        "remove it from the host's msDS-AllowedToActOnBehalfOfOtherIdentity, or delete the account",
        "MS-SFU 3.2.5.1.2 and 3.2.5.2.3",
        _retired,
    ),
    Rule(
        "KCD023",
        Severity.HIGH,
        "a host that is not in the inventory delegates to hosts of it",
        "list it under retired, or under hosts",
        "MS-SFU 3.2.5.2.1: the KDC grants whatever the list names",
        _dropped,
        # A first inventory may be of one site, whose neighbours are no mistake of its own.
        preflight=False,
    ),
    Rule(
        "KCD024",
        Severity.LOW,
        "a host whose account has been silent for 90 days",
        "if it is gone, move it from hosts to retired, and delegation apply",
        "MS-ADA1, lastLogonTimestamp",
        _silent,
    ),
)
