"""PairCase -> the links of the directory, in the order in which to look at them.

Those about accounts stand in ``account_links``, those at the hosts in ``host_links``.
"""

from collections.abc import Callable, Iterator

from delegation.explain import account_links
from delegation.explain.chain import (
    ASK,
    NO_CREDENTIALS,
    TARGET_UNKNOWN,
    WRONG_PRINCIPAL,
    Link,
    PairCase,
    broken,
    counted,
    granted_by,
    ok,
    unknown,
)
from delegation.mesh import facts, name_owners
from delegation.mesh.facts import ValueCount
from delegation.mesh.kdc import Check, Evidence, Route
from delegation.mesh.name_owners import NameOwners
from delegation.mesh.snapshot import TRUSTED_FOR_DELEGATION, Computer

NOT_CONFIRMED = "whether Hyper-V migrates over such a list is not confirmed"


def _service_names(case: PairCase) -> Link:
    name = "service names"
    if case.target is None:
        return unknown(name, f"{case.pair.target.label} was not found")
    if not case.registry.is_known:
        return unknown(name, "this export holds no servicePrincipalName", ASK)
    if wrong := next(_wrong_owners(case), None):
        return broken(name, *wrong)
    return ok(name, f"each of the {len(case.pair.target.values)} is {case.target.account}'s")


def _wrong_owners(case: PairCase) -> Iterator[tuple[str, str, str]]:
    """Each name that not just the target answers to: evidence, fix, HRESULT."""
    for found in name_owners.of_endpoint(case.snapshot, case.pair.target):
        if found.are_several:
            # A name that two accounts hold is nobody's: a KDC finds no one principal by it.
            who = " and ".join(facts.told_apart(found.owners))
            yield f"{found.subject} is registered on {who}", found.fix, TARGET_UNKNOWN
        elif found.others:
            # The ticket is encrypted to another account's key: the target can't read it, and says
            # so with SEC_E_WRONG_PRINCIPAL. An explicit name beats HOST/… of the target, because a
            # KDC maps a service to HOST only where nobody holds the name itself.
            yield _goes_astray(found), found.fix, WRONG_PRINCIPAL
        elif not found.owners and not found.by_alias:
            why = f"{found.value} is not registered, so VMMS is likely to have logged event 14050"
            fix = f"on {case.pair.target.label}: Restart-Service vmms, which registers it; if not, "
            yield why, fix + "its event log says why", TARGET_UNKNOWN
        elif not found.owners:
            why = f"nobody holds {found.value}, nor {found.registered}, which would stand for it"
            yield why, found.registering, TARGET_UNKNOWN


def _goes_astray(found: NameOwners) -> str:
    who = found.others[0].account
    assumed = " (default sPNMappings assumed)" if found.assumed else ""
    held = f"{found.registered}, which stands for it{assumed}" if found.by_alias else "that name"
    return f"tickets for {found.value} go to {who}, which holds {held}"


def _values(case: PairCase) -> Link:
    """The target's values in the source's own list; where they lack, what the target lists.

    Both forms of a name count: a KDC compares the name that is asked for with the list as it
    stands, and a short name there is no help to whoever asks by FQDN (MS-SFU 3.2.5.2.1).
    """
    name, missing, total = "values", case.missing, len(case.pair.target.values)
    if case.source is None:
        return unknown(name, f"{case.pair.source.label} was not found")
    if not missing:
        although = ""
        if case.pair.desired is False:
            although = ", though the inventory does not ask for them"
        if case.pair.retired:
            although = f", though {case.pair.retired_in_words}: delegation plan shows what goes"
        return ok(name, f"{total} of {total} there, short name and FQDN{although}")
    lacking = f"{len(missing)} of {total} missing on {case.source.account}: {counted(missing)}"
    fix = _FIX_VALUES[case.pair.desired]
    if case.pair.retired:
        fix = f"{case.pair.retired_in_words}: {_BACK_AGAIN}"
    if _values_after(case, case.source).is_beyond:
        fix = "the value limit comes first, see below"
    by_target = [case.listed(value).holds for value in missing]
    if all(by_target):
        why = f"{lacking}; what the target lists (RBCD) lets the source through all the same: "
        return unknown(name, why + NOT_CONFIRMED, fix)
    if False not in by_target:
        why = case.listed(missing[by_target.index(None)]).why
        return unknown(name, f"{lacking}; {why}", fix)
    return broken(name, lacking, fix, NO_CREDENTIALS)


_FIX_VALUES = {
    True: "delegation plan shows what is missing, delegation apply writes it",
    False: "no mesh of the inventory lets this source reach this target: add them to one, then "
    "delegation apply",
    None: "add both hosts to the inventory and to one mesh, then delegation apply",
}

_BACK_AGAIN = "leave it so; to migrate again, take it out of retired and list it under hosts"


def _values_after(case: PairCase, source: Computer) -> ValueCount:
    """What the source would hold with all of this pair's values."""
    return ValueCount(len(source.values) + len(case.missing), case.pair.value_limit)


def _flag(case: PairCase) -> Link:
    """Whether the source can do without the operator's own ticket.

    The flag grants nothing by itself: what a source may reach is its list, which is the truth of a
    Kerberos-only host as well. The flag says whose ticket it may show there (MS-SFU 3.2.5.1.2).
    """
    name, source, declared = "protocol transition", case.source, case.pair.transition
    if source is None:
        return unknown(name, f"{case.pair.source.label} was not found")
    also = ""
    if source.uac & TRUSTED_FOR_DELEGATION:
        also = "; trusted for delegation to any service as well, which nothing here needs"
    if case.transition:
        is_off = ", though the inventory declares it off" if declared is False else ""
        return ok(name, f"on{is_off}{also}")
    if declared is False:
        return ok(name, f"off, as declared: {_KERBEROS_ONLY}{also}")
    if declared is None:
        return unknown(name, f"off, and left as found: {_KERBEROS_ONLY}{also}")
    if not source.values and _all_listed(case):
        why = "off; with an empty list of its own a source may pass tickets on without it"
        return unknown(name, f"{why}{also}", _FIX_FLAG)
    return broken(name, f"off: remote management needs it{also}", _FIX_FLAG, NO_CREDENTIALS)


_KERBEROS_ONLY = (
    "only a ticket that the operator comes with is passed on, so Move-VM may have to be typed on "
    "the source itself"
)
_FIX_FLAG = "protocol_transition: true for this host in the inventory, then delegation apply"


def _all_listed(case: PairCase) -> bool:
    return all(case.listed(value).holds for value in case.pair.target.values)


def _value_limit(case: PairCase) -> Link:
    """Whether the source's object holds this pair's values as well."""
    name = "value limit"
    if case.source is None:
        return unknown(name, f"{case.pair.source.label} was not found")
    held = _values_after(case, case.source)
    evidence = f"{held.values:,} of at most {held.limit:,} values"
    if case.missing and held.is_beyond:
        return broken(
            name, f"{evidence} with this pair's", "make the meshes smaller, or split them"
        )
    return ok(name, f"{evidence}; split the mesh soon" if held.is_near else evidence)


def _delegation(case: PairCase) -> Link:
    """The KDC's verdict, name by name: all that the links before it come to."""
    name = "delegation"
    shown = "the operator's own ticket" if case.evidence is Evidence.TICKET else "S4U2Self"
    decisions = case.decisions
    refused = [spn for spn, decision in decisions.items() if decision.granted is False]
    undecided = [spn for spn, decision in decisions.items() if decision.granted is None]
    # A name that is refused says more than one of which nothing is known, whatever their order.
    for spn in refused or undecided:
        step = decisions[spn].stopped
        if step and step.error:
            of_all = f"{len(refused)} of {len(decisions)}"
            why = f"{of_all} refused with {shown}: {spn}: {step.why}: {step.error}"
            is_nobodys = step.check is Check.SERVICE
            return broken(name, why, _MEND, TARGET_UNKNOWN if is_nobodys else NO_CREDENTIALS)
        if step:
            return unknown(name, f"not told of {spn} with {shown}: {step.why}")
    if case.source is None:
        return unknown(name, f"{case.pair.source.label} was not found")
    return ok(name, f"granted with {shown}, {_routes(case)}")


_MEND = "mend what is broken above"


def _routes(case: PairCase) -> str:
    """By which list: once where it is the same of every name."""
    words = {Route.CLASSIC: "by the source's list", Route.RBCD: "by the target's list (RBCD)"}
    granted = {spn: route for spn, route in granted_by(case.decisions).items() if route}
    routes = set(granted.values())
    if len(routes) == 1:
        return words[routes.pop()]
    return "; ".join(f"{spn} {words[route]}" for spn, route in granted.items())


LINKS: tuple[Callable[[PairCase], Link], ...] = (
    account_links.source_account,
    account_links.target_account,
    account_links.enabled,
    account_links.same_domain,
    account_links.no_controller,
    account_links.encryption_types,
    _service_names,
    _values,
    _flag,
    account_links.operator,
    _value_limit,
    _delegation,
)
