"""Changes that a run made -> the plan that takes them back, judged by the objects as they are now.

Only what the change itself touched is judged, value by value and bit by bit: the values it added or
removed and the bits it flipped. What is as before already is done. What others did to the object
since is left alone: writing the former list back whole would wipe it out.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple
from uuid import UUID

from delegation import names
from delegation.changes.plan import Blocked, Change, Plan, Target
from delegation.changes.rewrites import Rewrite, Rewrites
from delegation.mesh import facts
from delegation.mesh.snapshot import (
    TRUSTED_FOR_DELEGATION,
    TRUSTED_TO_AUTH_FOR_DELEGATION,
    Computer,
)
from delegation.mesh.state import (
    DELEGATION,
    FLAGS,
    Delegation,
    DelegationChange,
    DelegationPlan,
    added,
    removed,
)


class StayingPart(NamedTuple):
    """A value or a flag of a host that stays as the run left it, and why."""

    host: str
    part: str
    why: str


class Reversal(NamedTuple):
    """The plan that takes a run back, blocked by what would be dangerous, and what to warn about.

    ``not_found`` are the names of objects that are not there by their GUID, ``conflicts`` what a
    later run has written again, ``as_before`` the parts that are as before already, by name, and
    ``done`` the same as the changes that are no more to be made.
    """

    plan: DelegationPlan
    warnings: tuple[str, ...]
    not_found: tuple[str, ...] = ()
    conflicts: tuple[StayingPart, ...] = ()
    as_before: Mapping[str, frozenset[str]] = MappingProxyType({})
    done: tuple[DelegationChange, ...] = ()


def reversal(  # noqa: PLR0913, PLR0917 - what is taken back, where, and what stands in its way
    domain: str,
    changes: Iterable[DelegationChange],
    now: Mapping[UUID, Computer],
    domain_controller_names: Collection[str],
    allow: Collection[str] = (),
    rewrites: Rewrites = MappingProxyType({}),
) -> Reversal:
    """Undo ``changes`` on the objects as they are ``now``.

    Restores values in their original spelling and the bits that were flipped, and nothing else.
    An object is called as it is now, which is told where the journal calls it otherwise: an account
    may have been renamed, and a journal may have been forged to say another name than that of its
    victim. One that is not found is left out: it may come back from the recycle bin. An account of
    the same name that was made anew has another GUID, and is nobody's business here.
    """
    reverses: list[DelegationChange] = []
    blocked: list[Blocked] = []
    conflicts: list[StayingPart] = []
    as_before: dict[str, frozenset[str]] = {}
    no_more: list[DelegationChange] = []
    warnings = _called_otherwise(changes := tuple(changes), now)
    not_found: list[str] = []
    for recorded in changes:
        guid = recorded.target.guid
        computer = now.get(guid)
        if computer is None:
            not_found.append(recorded.target.name)
            continue
        change = recorded._replace(target=_called_now(recorded.target, computer))
        done = change.reversed().parts_made(Delegation.of(computer))
        if made_before := change.only(done):
            as_before[change.target.name] = done
            no_more.append(made_before.reversed())
        staying = _staying(change, done, rewrites.get(guid, {}))
        conflicts += [StayingPart(change.target.name, *one) for one in staying.values()]
        remaining = change.without(done | staying.keys())
        if remaining is None:
            continue
        reverse = _reverse_on(remaining, computer)
        reverses.append(reverse)
        blocked += _refuse_dangers(reverse, computer, domain_controller_names, allow)
        warnings += _warnings(reverse)
    reverses.sort(key=lambda change: names.dn_key(change.target.dn))
    plan = Plan(DELEGATION.name, domain, tuple(reverses), tuple(blocked))
    return Reversal(
        plan, tuple(warnings), tuple(not_found), tuple(conflicts), as_before, tuple(no_more)
    )


def _staying(
    change: DelegationChange, done: frozenset[str], again: Mapping[str, Rewrite]
) -> dict[str, tuple[str, str]]:
    """What of a change stands for a later run, each part as it is spelled, and why.

    A flag governs the whole list: where values stay for that run, so does the flag that it found
    them under. Without it they would be neither what this run nor what that one wanted.
    """
    spelled = {value.casefold(): value for value in (*removed(change), *added(change))}
    staying: dict[str, tuple[str, str]] = {}
    for part in sorted((change.parts - done) & again.keys()):
        staying[part] = spelled.get(part, part), again[part].words
    if not staying.keys().isdisjoint(value.casefold() for value in added(change)):
        for flag in sorted((change.parts - done - staying.keys()) & FLAGS.keys()):
            staying[flag] = flag, "which governs what stays"
    return staying


def refusals(conflicts: Sequence[StayingPart]) -> tuple[Blocked, ...]:
    """One for all hosts of which as much stays for the same reason."""
    by_host = names.grouped((one.host, one) for one in conflicts)
    by_words = names.grouped((_in_words(parts), host) for host, parts in by_host.items())
    return tuple(Blocked(names.fold(hosts), "conflict", words) for words, hosts in by_words.items())


def _in_words(staying: Iterable[StayingPart]) -> str:
    by_reason = names.grouped((one.why, one.part) for one in staying)
    return "; ".join(f"{parts_in_words(parts)}, {why}" for why, parts in by_reason.items())


def parts_in_words(parts: Collection[str]) -> str:
    """``252 values and protocol_transition``; a single value is spelled."""
    values = [part for part in parts if part not in FLAGS]
    flags = [part for part in parts if part in FLAGS]
    counted = values if len(values) < 2 else [f"{len(values):,} values"]
    return " and ".join((*counted, *flags))


def _called_now(recorded: Target, computer: Computer) -> Target:
    """The object by the account's own name; another case is no other name."""
    is_same = recorded.name.casefold() == computer.name.casefold()
    name = recorded.name if is_same else computer.name
    return Target(name, computer.dn, computer.guid)


def _called_otherwise(
    changes: Iterable[DelegationChange], now: Mapping[UUID, Computer]
) -> list[str]:
    """Both names of each object that the journal calls otherwise; those moved together at once."""
    lines: list[str] = []
    moved: dict[tuple[str, str], list[str]] = defaultdict(list)
    for change in changes:
        then, computer = change.target, now.get(change.target.guid)
        if computer is None:
            continue
        is_called_so = then.name.casefold() == computer.name.casefold()
        if is_called_so and names.dn_key(then.dn) == names.dn_key(computer.dn):
            continue
        if is_called_so and _own_part(then.dn) == _own_part(computer.dn):
            way = names.parent_dn(then.dn), names.parent_dn(computer.dn)
            moved[way].append(then.name)
            continue
        called = f"{_called_now(then, computer).name} ({computer.dn})"
        lines.append(f"{called} is what the journal calls {then.name} ({then.dn})")
    for (there, here), hosts in moved.items():
        lines.append(f"{names.fold(hosts)}: in {here} now, in {there} in the journal")
    return lines


def _own_part(dn: str) -> str:
    return names.dn_key(dn).removesuffix(names.dn_key(names.parent_dn(dn)))


def _reverse_on(change: DelegationChange, computer: Computer) -> DelegationChange:
    """The reverse of ``change`` on the object as it is now, wherever it has been moved to."""
    leaving = {value.casefold() for value in added(change)}
    values = [value for value in computer.values if value.casefold() not in leaving]
    values += removed(change)
    if sorted(values) == sorted(change.before.values):
        # Nobody else was here: an export then gets the very bytes back that it had.
        values = list(change.before.values)
    flipped = change.before.uac ^ change.after.uac
    uac = (computer.uac & ~flipped) | (change.before.uac & flipped)
    return Change(change.target, Delegation.of(computer), Delegation(tuple(values), uac))


def _refuse_dangers(
    reverse: DelegationChange,
    computer: Computer,
    domain_controller_names: Collection[str],
    allow: Collection[str],
) -> Iterator[Blocked]:
    """What was there before need not be safe to restore: an apply may have removed it for that."""
    name = reverse.target.name
    restored = added(reverse)
    for value in restored:
        if danger := facts.danger_by_name(value, domain_controller_names):
            yield Blocked(name, "domain-controller", f"would restore {value}, which {danger}")
    if restored and computer.is_domain_controller:
        yield Blocked(name, "domain-controller", f"{computer.name} is a domain controller")
    rises = ~reverse.before.uac & reverse.after.uac & TRUSTED_FOR_DELEGATION
    if rises and "unconstrained" not in allow:
        message = "would trust it for delegation to any service again"
        yield Blocked(name, "unconstrained", message, "unconstrained")


def _warnings(reverse: DelegationChange) -> list[str]:
    """The flag governs the whole list, whoever wrote it."""
    governed = reverse.after.values
    flipped = reverse.before.uac ^ reverse.after.uac
    if not governed or not flipped & TRUSTED_TO_AUTH_FOR_DELEGATION:
        return []
    named = ", ".join(governed) if len(governed) <= FEW else f"its {len(governed):,} values"
    return [f"{reverse.target.name}: the restored delegation flag also governs {named}"]


FEW = 6
"""Values that a warning spells out; more are counted."""
