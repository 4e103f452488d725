"""The links, in the order in which to look at them: each is one function over a case.

Those about accounts stand in ``accounts``.
"""

from collections.abc import Callable, Iterator

from delegation import names
from delegation.explain import account_links
from delegation.explain.chain import (
    ASK,
    NO_CREDENTIALS,
    TARGET_UNKNOWN,
    WRONG_PRINCIPAL,
    Case,
    Link,
    broken,
    counted,
    granted_by,
    ok,
    unknown,
)
from delegation.mesh.kdc import Check, Evidence, Route
from delegation.mesh.snapshot import TRUSTED_FOR_DELEGATION, Computer

NOT_CONFIRMED = "whether Hyper-V migrates over such a list is not confirmed"


def _service_names(case: Case) -> Link:
    name = "service names"
    if case.target is None:
        return unknown(name, f"{case.pair.target.label} was not found")
    if not case.registry.is_known:
        return unknown(name, "this export holds no servicePrincipalName", ASK)
    if wrong := next(_wrong_owners(case, case.target), None):
        return broken(name, *wrong)
    return ok(name, f"each of the {len(case.pair.target.values)} is {case.target.account}'s")


def _wrong_owners(case: Case, target: Computer) -> Iterator[tuple[str, str, str]]:
    """Each name that not just the target answers to: evidence, fix, HRESULT."""
    for value in case.pair.target.values:
        owners = case.owners(value)
        others = sorted(owner.account for owner in owners if owner.guid != target.guid)
        if len(owners) > 1:
            why = f"{value} is registered on {' and '.join(sorted(o.account for o in owners))}"
            yield why, _taken_from(others[0], value), TARGET_UNKNOWN
        elif others:
            why = f"tickets for {value} go to {others[0]}, which holds that name"
            yield why, _taken_from(others[0], value), WRONG_PRINCIPAL
        elif not owners and names.host_spn(value) is None:
            why = f"{value} is not registered, so VMMS is likely to have logged event 14050"
            fix = f"on {case.pair.target.label}: Restart-Service vmms, which registers it; if not, "
            yield why, fix + "its event log says why", TARGET_UNKNOWN
        elif not owners:
            host = names.host_spn(value)
            why = f"nobody holds {value}, nor {host}, which would stand for it"
            yield why, f"setspn -S {host} {target.name}", TARGET_UNKNOWN


def _taken_from(account: str, value: str) -> str:
    return f'leave it on one account: setspn -D "{value}" {account.removesuffix("$")}'


def _values(case: Case) -> Link:
    name, missing, total = "values", case.missing, len(case.pair.target.values)
    if case.source is None:
        return unknown(name, f"{case.pair.source.label} was not found")
    if not missing:
        although = (
            ", though the inventory does not ask for them" if case.pair.wanted is False else ""
        )
        return ok(name, f"{total} of {total} there, short name and FQDN{although}")
    lacking = f"{len(missing)} of {total} missing on {case.source.account}: {counted(missing)}"
    fix = _FIX_VALUES[case.pair.wanted]
    if len(case.source.values) + len(missing) > case.pair.value_limit:
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


def _flag(case: Case) -> Link:
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


def _all_listed(case: Case) -> bool:
    return all(case.listed(value).holds for value in case.pair.target.values)


def _value_limit(case: Case) -> Link:
    name, limit = "value limit", case.pair.value_limit
    if case.source is None:
        return unknown(name, f"{case.pair.source.label} was not found")
    count = len(case.source.values) + len(case.missing)
    said = f"{count:,} of at most {limit:,} values"
    if case.missing and count > limit:
        return broken(name, f"{said} with this pair's", "make the meshes smaller, or split them")
    return ok(name, f"{said}; split the mesh soon" if count * 100 >= 80 * limit else said)


def _delegation(case: Case) -> Link:
    name = "delegation"
    shown = "the operator's own ticket" if case.evidence is Evidence.TICKET else "S4U2Self"
    refused = {spn: one for spn, one in case.decisions.items() if one.granted is False}
    open_ones = {spn: one for spn, one in case.decisions.items() if one.granted is None}
    for spn, decision in (refused or open_ones).items():
        if (step := decision.stopped) and step.error:
            of_all = f"{len(refused)} of {len(case.decisions)}"
            why = f"{of_all} refused with {shown}: {spn}: {step.why}: {step.error}"
            ghost = step.check is Check.SERVICE
            return broken(name, why, _MEND, TARGET_UNKNOWN if ghost else NO_CREDENTIALS)
        if step:
            return unknown(name, f"not told of {spn} with {shown}: {step.why}")
    if case.source is None:
        return unknown(name, f"{case.pair.source.label} was not found")
    return ok(name, f"granted with {shown}, {_routes(case)}")


_MEND = "mend what is broken above"


def _routes(case: Case) -> str:
    words = {Route.CLASSIC: "by the source's list", Route.RBCD: "by the target's list (RBCD)"}
    routes = granted_by(case.decisions)
    if len(set(routes.values())) == 1:
        return words[next(route for route in routes.values() if route)]
    return "; ".join(f"{spn} {words[route]}" for spn, route in routes.items() if route)


LINKS: tuple[Callable[[Case], Link], ...] = (
    account_links.source_account,
    account_links.target_account,
    account_links.enabled,
    account_links.same_domain,
    account_links.no_controller,
    _service_names,
    _values,
    _flag,
    account_links.operator,
    _value_limit,
    _delegation,
)
