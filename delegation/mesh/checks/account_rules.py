"""MeshCase -> observations of accounts: the hosts', what a plan refuses, who runs migrations."""

from collections.abc import Collection, Iterator

from delegation.mesh import facts, name_owners, planning
from delegation.mesh.checks.rule import MeshCase, Observation, Rule, Severity
from delegation.mesh.compare import Comparison
from delegation.mesh.identities import NEW_ACCOUNT
from delegation.mesh.name_owners import NameOwners
from delegation.mesh.snapshot import ACCOUNTDISABLE, Operator


def problems(comparison: Comparison, scope: Collection[str] | None = None) -> list[tuple[str, str]]:
    """Hosts in scope without exactly one account, as (label, what is wrong)."""
    desired = comparison.desired
    labels = [label for label in desired.delegates if scope is None or label in scope]
    computers = {label: desired.delegates[label].host.computer for label in labels}
    # A source in scope may reach hosts outside it, whose accounts its values depend on as well.
    reached = [endpoint for endpoint in desired.endpoints_of(labels) if endpoint.is_host]
    computers |= {endpoint.label: endpoint.computer for endpoint in reached}
    unusable = []
    for label, computer in computers.items():
        if trouble := facts.why_no_account(comparison.snapshot, computer):
            _, why = trouble
            unusable.append((label, f"{label}: {why}{_moved(comparison, label)}"))
    return unusable


def _moved(comparison: Comparison, label: str) -> str:
    """Where the account of a host is that has another name than the inventory says."""
    account = comparison.identities.moved.get(label)
    if account is None:
        return ""
    return (
        f"; the account that was meant is {account.account} now ({account.dn}): if {label} was "
        f"renamed, write {account.name.lower()}: {{former: [{label}]}}"
    )


def _unusable(case: MeshCase) -> Iterator[Observation]:
    for label, what in problems(case.comparison, case.scope):
        is_ambiguous = any(what == f"{label}: {why}" for why in _ambiguous(case.comparison))
        fix = "leave one account of that name" if is_ambiguous else ""
        yield Observation(label, "", what, fix)


def _ambiguous(comparison: Comparison) -> Iterator[str]:
    for computer in comparison.snapshot.ambiguous:
        if trouble := facts.why_no_account(comparison.snapshot, computer):
            yield trouble[1]


def _held_elsewhere(case: MeshCase) -> dict[tuple[str, str], NameOwners]:
    """Names that other accounts answer to, by the label and message of their refusals."""
    comparison = case.comparison
    held: dict[tuple[str, str], NameOwners] = {}
    for endpoint in comparison.endpoints:
        for found in name_owners.of_endpoint(comparison.snapshot, endpoint):
            if found.held_elsewhere:
                held[endpoint.label, f"{found.held_elsewhere}; {found.fix}"] = found
    return held


def _refused(case: MeshCase) -> Iterator[Observation]:
    """What the plan itself refuses: asked of it, so that a check and an apply never disagree."""
    # Another account than the known one is a finding of its own.
    refusals = planning.plan(case.comparison).blocked
    blocked = [refusal for refusal in refusals if refusal.why != NEW_ACCOUNT]
    is_held = any(refusal.why == planning.HELD_ELSEWHERE for refusal in blocked)
    held = _held_elsewhere(case) if is_held else {}
    for refusal in blocked:
        accepted = f"an apply is refused; --allow {refusal.override} accepts it"
        fix = accepted if refusal.override else ""
        # Whoever may act as any user towards a domain controller owns the domain, because the
        # service in a ticket is not protected (RFC 4120 5.3). Whoever alone answers to a host's
        # name gets every user's tickets for that host: no other refusals are so bad as these.
        owners = held.get((refusal.computer, refusal.message))
        is_astray = owners is not None and not owners.are_several
        is_critical = refusal.why == "domain-controller" or is_astray
        severity = Severity.CRITICAL if is_critical else None
        # One more account that holds the same name is another finding; other words are none.
        named = [refusal.why]
        if owners is not None:
            named += [f"{owners.value.casefold()} {other.guid}" for other in owners.others]
        yield Observation(refusal.computer, "", refusal.message, fix, severity, tuple(named))


def _disabled(case: MeshCase) -> Iterator[Observation]:
    """A KDC gives a disabled account no ticket (MS-KILE 3.3.5.6.3), so that no host migrates by it.

    Its list lives on, and counts again on the day that somebody enables the account.
    """
    for host in case.comparison.hosts:
        if host.computer.uac & ACCOUNTDISABLE:
            yield Observation(host.label, "", f"the account {host.computer.name}$ is disabled")


def _undelegatable(case: MeshCase) -> Iterator[Observation]:
    """An operator whose tickets no KDC passes on, whatever stands on the hosts' lists.

    NOT_DELEGATED and Protected Users both take the forwardable flag from a ticket (MS-KILE 3.3.5.1,
    MS-SFU 3.2.5.1.2), and a ticket without it is no evidence for anybody. It is the protection of
    administrators against such a mesh as ours, and not to be lifted for it.
    """
    for operator in case.comparison.snapshot.operators:
        for why, fix in _obstacles(case, operator):
            message = f"{operator.name} can't run migrations, however right the mesh is: {why}"
            yield Observation("", operator.name, message, fix)


def _obstacles(case: MeshCase, operator: Operator) -> Iterator[tuple[str, str]]:
    """Why a KDC would never delegate this operator, each with a fix where it has one of its own."""
    if operator.account is None:
        if not case.is_export and not operator.elsewhere:
            base = case.comparison.snapshot.directory.base_dn
            fix = "correct the name after --as; write one of another domain as user@domain"
            yield f"nobody in {base} is called so", fix
        return
    if not operator.account.enabled:
        yield "the account is disabled", "enable it, or run migrations as somebody else"
    for bar in facts.bars_to_delegation(operator):
        yield f"the account is {bar}", ""


def _unjudged(case: MeshCase) -> Iterator[Observation]:
    """Operators of whom nothing speaks, and whose groups are not known.

    Groups nest, so that only a token tells who is in Protected Users: tokenGroups, which a domain
    controller computes (MS-ADTS 3.1.1.4.5.19), and which no export holds.
    """
    for operator in case.comparison.snapshot.operators:
        if operator.elsewhere:
            why = facts.of_another_domain(operator)
            yield Observation("", operator.name, why, facts.ASK_THERE)
        elif operator.account is None:
            if case.is_export:
                yield Observation("", operator.name, facts.not_in_export(operator))
        elif operator.protected is None and not any(_obstacles(case, operator)):
            yield Observation("", operator.name, facts.groups_not_told(operator))


RULES = (
    Rule(
        "KCD008",
        Severity.MEDIUM,
        "account disabled",
        "enable it, or move the host from hosts to retired",
        "MS-ADTS 2.2.16 (0x2)",
        _disabled,
    ),
    Rule(
        "KCD010",
        Severity.HIGH,
        "a host without exactly one account in the domain",
        "join it, or correct its name",
        "MS-SFU 3.2.5.2.1: source and target are of the KDC's own realm",
        _unusable,
    ),
    Rule(
        "KCD011",
        Severity.HIGH,
        "something that a plan refuses",
        "an apply is refused until this is settled",
        "docs/design.md",
        _refused,
    ),
    Rule(
        "KCD017",
        Severity.HIGH,
        "operator who can't be delegated",
        "run migrations as an account that is neither marked sensitive nor in Protected Users",
        "MS-KILE 3.3.5.1; MS-SFU 3.2.5.1.2; MS-ADTS 2.2.16 (0x100000)",
        _undelegatable,
    ),
    Rule(
        "KCD018",
        Severity.LOW,
        "operator of whom it can't be told",
        "ask a domain controller: delegation --directory ldaps://DC check --as USER",
        "MS-ADTS 3.1.1.4.5.19 (tokenGroups)",
        _unjudged,
    ),
)
