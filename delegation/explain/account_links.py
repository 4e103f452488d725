"""PairCase -> the links about accounts: the hosts' own, and whoever runs the migration."""

from typing import Final

from delegation.explain.chain import (
    ASK,
    NO_CREDENTIALS,
    TARGET_UNKNOWN,
    UNKNOWN_ETYPE,
    WRONG_PRINCIPAL,
    Link,
    PairCase,
    broken,
    ok,
    unknown,
)
from delegation.mesh import facts
from delegation.mesh.desired import Endpoint
from delegation.mesh.encryption_types import AES_FIX, WeakKeys, weak_keys
from delegation.mesh.facts import NoAccount
from delegation.mesh.snapshot import Computer, Operator

NOT_LOOKED_AT: Final = "not looked at"
"""The evidence of an operator whom nobody has named."""


def source_account(case: PairCase) -> Link:
    return _account("source account", case, case.pair.source, case.source, NO_CREDENTIALS)


def target_account(case: PairCase) -> Link:
    return _account("target account", case, case.pair.target, case.target, TARGET_UNKNOWN)


def _account(
    name: str, case: PairCase, end: Endpoint, account: Computer | None, hresult: str
) -> Link:
    is_retired = end.label in case.pair.retired
    if account is not None:
        return _is_the_host(
            name, end, account, is_target=end is case.pair.target, is_retired=is_retired
        )
    trouble = facts.why_no_account(case.snapshot, end.computer)
    if trouble is None:
        return unknown(name, f"{end.label} was not found")
    kind, why = trouble
    if kind is NoAccount.OTHER_DOMAIN:
        # It is there: what that means for delegation, the link "same domain" tells.
        return ok(name, f"{end.account}, {case.snapshot.elsewhere[end.computer]}")
    if kind is NoAccount.OUTSIDE:
        return broken(name, why, "widen directory.search_base, or move the account")
    fixes = {
        NoAccount.AMBIGUOUS: "leave one account of that name",
        NoAccount.MISSING: f"join {end.label} to the domain, or correct its name",
    }
    if is_retired and kind is NoAccount.MISSING:
        return broken(name, f"{why}; it is retired", "nothing: that host is gone", hresult)
    return broken(name, why, fixes[kind], hresult)


def _is_the_host(
    name: str, end: Endpoint, account: Computer, *, is_target: bool, is_retired: bool
) -> Link:
    # A name that ends in $ proves no host: a group-managed service account has one as well, and so
    # has the name of a cluster, whose nodes delegate by accounts of their own.
    kind = account.not_a_host if end.is_host else account.not_a_computer
    if kind and not end.is_user:
        return broken(name, f"{account.account} is {kind}", "name the host itself")
    # Of a file server, who answers to its names decides, which is a link of its own.
    if end.is_host and not facts.has_fqdn(account, end.fqdn):
        # A ticket is asked for by the host's name: where the account goes by another one, the
        # ticket is somebody else's, or nobody's.
        why = f"the dNSHostName of {account.account} is {account.dns_host_name or 'not set'}"
        fix = f"correct it, or the fqdn {end.fqdn} that is expected"
        return broken(name, why, fix, WRONG_PRINCIPAL if is_target else "")
    retired = "; retired in the inventory" if is_retired else ""
    return ok(name, f"{account.account}, {account.dn}{retired}")


def enabled(case: PairCase) -> Link:
    """A KDC gives a disabled account no ticket, and so nothing to pass on (MS-KILE 3.3.5.6.3)."""
    name = "accounts enabled"
    for account, hresult in ((case.source, NO_CREDENTIALS), (case.target, TARGET_UNKNOWN)):
        if account is not None and not account.enabled:
            fix = "enable it, or take the host out of the inventory"
            return broken(name, f"{account.account} is disabled", fix, hresult)
    if lacking := _without_account(case):
        return unknown(name, f"{lacking} was not found")
    return ok(name, "both are")


def _without_account(case: PairCase) -> str:
    """The labels of the ends of which no account was found; empty where both were."""
    ends = ((case.pair.source, case.source), (case.pair.target, case.target))
    lacking = [end.label for end, account in ends if account is None]
    return " and ".join(lacking)


def same_domain(case: PairCase) -> Link:
    """A KDC reads the source's list only where source and target are its own (MS-SFU 3.2.5.2.1)."""
    name = "same domain"
    for end in (case.pair.source, case.pair.target):
        trouble = facts.why_no_account(case.snapshot, end.computer)
        if trouble and trouble[0] is NoAccount.OTHER_DOMAIN:
            fix = "a KDC decides on the list only where both are in its own domain: migrate "
            fix += "within one, or from the source itself"
            return broken(name, trouble[1], fix, NO_CREDENTIALS)
    if lacking := _without_account(case):
        return unknown(name, f"{lacking} was not found")
    return ok(name, case.snapshot.directory.base_dn)


def no_controller(case: PairCase) -> Link:
    """Neither by its account nor by a name: whoever may act as a user there owns the domain.

    The service in a ticket is not protected (RFC 4120 5.3), so that a ticket for any of its names
    serves for its directory as well.
    """
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


def encryption_types(case: PairCase) -> Link:
    """Whether a domain controller still encrypts tickets to keys that both accounts take.

    The target's tickets are to its own key, and the source logs on by its own (MS-KILE 3.3.5.7).
    """
    name = "encryption types"
    if lacking := _without_account(case):
        return unknown(name, f"{lacking} was not found")
    ends = [end for end in (case.source, case.target) if end is not None]
    weak = {end.account: weak_keys(end) for end in ends}
    for who, keys in weak.items():
        if keys is WeakKeys.DES:
            why = f"{who} takes {keys.value}, which no domain controller in use encrypts to"
            return broken(name, why, AES_FIX, UNKNOWN_ETYPE)
    fading = [who for who, keys in weak.items() if keys is WeakKeys.RC4]
    if fading:
        verb = "take" if len(fading) > 1 else "takes"
        why = f"{' and '.join(fading)} {verb} RC4 only: to break when domain controllers drop RC4"
        return ok(name, why)
    # In an export, an account without the attribute looks like one of which it was left out.
    was_read = any(account.encryption_types is not None for account in case.snapshot.accounts)
    if case.is_export and not was_read:
        return unknown(name, "this export holds no msDS-SupportedEncryptionTypes", ASK)
    return ok(name, "AES, or the domain's default")


def operator(case: PairCase) -> Link:
    """Whether a KDC passes the operator's tickets on at all."""
    name, person = "operator", case.operator
    if person is None:
        return unknown(name, NOT_LOOKED_AT, "--as USER looks at whoever runs the migration")
    if person.elsewhere:
        return unknown(name, facts.of_another_domain(person), facts.ASK_THERE)
    if person.account is None and case.is_export:
        return unknown(name, facts.not_in_export(person), ASK)
    if person.account is None:
        base = case.snapshot.directory.base_dn
        fix = "correct the name; write one of another domain as user@domain"
        return broken(name, f"nobody in {base} is called {person.name}", fix)
    if not person.account.enabled:
        return broken(name, f"{person.name} is disabled", "enable it, or migrate as another")
    return _delegatable(name, person)


def _delegatable(name: str, operator: Operator) -> Link:
    bars = facts.bars_to_delegation(operator)
    if bars:
        fix = "migrate as an account that is neither marked sensitive nor in Protected Users"
        return broken(name, f"{operator.name} is {bars[0]}", fix, NO_CREDENTIALS)
    if operator.protected is None:
        return unknown(name, facts.groups_not_told(operator), ASK)
    return ok(name, f"{operator.name} may be delegated")
