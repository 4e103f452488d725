"""The links about accounts: the hosts' own, and that of whoever runs the migration."""

from delegation.explain.chain import (
    ASK,
    NO_CREDENTIALS,
    TARGET_UNKNOWN,
    WRONG_PRINCIPAL,
    Case,
    Link,
    broken,
    is_home,
    ok,
    told,
    unknown,
)
from delegation.mesh.desired import Endpoint
from delegation.mesh.snapshot import Computer, Operator


def source_account(case: Case) -> Link:
    return _account("source account", case, case.pair.source, case.source, NO_CREDENTIALS)


def target_account(case: Case) -> Link:
    return _account("target account", case, case.pair.target, case.target, TARGET_UNKNOWN)


def _account(name: str, case: Case, end: Endpoint, account: Computer | None, hresult: str) -> Link:
    snapshot = case.snapshot
    if account is not None:
        return _is_the_host(name, end, account, is_target=end is case.pair.target)
    if end.computer in snapshot.ambiguous:
        dns = " and ".join(snapshot.ambiguous[end.computer])
        why = f"several accounts are {end.computer}$: {dns}"
        return broken(name, why, "leave one account of that name", hresult)
    dn = snapshot.elsewhere.get(end.computer)
    if dn is None:
        why = f"there is no computer {end.computer}$ in {snapshot.directory.base_dn}"
        return broken(name, why, f"join {end.label} to the domain, or correct its name", hresult)
    if is_home(snapshot, dn):
        why = f"{dn} is outside directory.search_base"
        return broken(name, why, "widen directory.search_base, or move the account")
    return ok(name, f"{end.computer}$, {dn}")


def _is_the_host(name: str, end: Endpoint, account: Computer, *, is_target: bool) -> Link:
    if kind := account.not_a_host if end.is_host else account.not_a_computer:
        return broken(name, f"{account.account} is {kind}", "name the host itself")
    if (account.dns_host_name or "").casefold() != end.fqdn.casefold():
        why = f"the dNSHostName of {account.account} is {account.dns_host_name or 'not set'}"
        fix = f"correct it, or the fqdn {end.fqdn} that is expected"
        return broken(name, why, fix, WRONG_PRINCIPAL if is_target else "")
    return ok(name, told(account))


def enabled(case: Case) -> Link:
    name = "accounts enabled"
    for account, hresult in ((case.source, NO_CREDENTIALS), (case.target, TARGET_UNKNOWN)):
        if account is not None and not account.enabled:
            fix = "enable it, or take the host out of the inventory"
            return broken(name, f"{account.account} is disabled", fix, hresult)
    if lacking := _without_account(case):
        return unknown(name, f"{lacking} was not found")
    return ok(name, "both are")


def _without_account(case: Case) -> str:
    ends = ((case.pair.source, case.source), (case.pair.target, case.target))
    return " and ".join(end.label for end, account in ends if account is None)


def same_domain(case: Case) -> Link:
    name, base = "same domain", case.snapshot.directory.base_dn
    elsewhere = case.snapshot.elsewhere
    for end in (case.pair.source, case.pair.target):
        dn = elsewhere.get(end.computer)
        if dn and not is_home(case.snapshot, dn):
            why = f"{dn} is in another domain than {base}"
            fix = "a KDC decides on the list only where both are in its own domain: migrate "
            fix += "within one, or from the source itself"
            return broken(name, why, fix, NO_CREDENTIALS)
    if lacking := _without_account(case):
        return unknown(name, f"{lacking} was not found")
    return ok(name, base)


def no_controller(case: Case) -> Link:
    name = "no domain controller"
    fix = "leave domain controllers out of every mesh; a plan refuses them"
    for account in (case.source, case.target):
        if account is not None and account.is_domain_controller:
            why = f"{account.account} is a domain controller: whoever may act as a user there "
            return broken(name, why + "owns the domain", fix)
    for value in case.pair.target.values:
        if danger := case.registry.target(value).danger:
            return broken(name, f"{value} {danger}", fix)
    if lacking := _without_account(case):
        return unknown(name, f"{lacking} was not found")
    return ok(name, "neither is one")


def operator(case: Case) -> Link:
    name, who = "operator", case.operator
    if who is None:
        return unknown(name, "not looked at", "--as USER looks at whoever runs the migration")
    if who.account is None and case.is_export:
        return unknown(name, f"this export holds no account {who.name}", ASK)
    if who.account is None:
        base = case.snapshot.directory.base_dn
        return broken(name, f"nobody in {base} is called {who.name}", "correct the name")
    if not who.account.enabled:
        return broken(name, f"{who.name} is disabled", "enable it, or migrate as another")
    return _delegatable(name, who)


def _delegatable(name: str, operator: Operator) -> Link:
    other = "migrate as an account that is neither marked sensitive nor in Protected Users"
    if operator.not_delegated:
        why = f'{operator.name} is marked "sensitive and cannot be delegated"'
        return broken(name, why, other, NO_CREDENTIALS)
    if operator.protected:
        why = f"{operator.name} is in Protected Users, itself or through a group"
        return broken(name, why, other, NO_CREDENTIALS)
    if operator.protected is None:
        return unknown(
            name, f"which groups {operator.name} is in, this directory does not tell", ASK
        )
    return ok(name, f"{operator.name} may be delegated")
