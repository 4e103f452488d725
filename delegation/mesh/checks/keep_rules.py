"""MeshCase -> observations of keep rules that keep nothing, and of what was taken from others."""

from collections.abc import Iterator

from delegation import names
from delegation.inventory import Keep
from delegation.mesh.checks.rule import MeshCase, Observation, Rule, Severity
from delegation.mesh.compare import HostComparison
from delegation.mesh.kept_before import taken_away


def _idle_keep(case: MeshCase) -> Iterator[Observation]:
    """Rules that keep nothing; only those all of whose hosts were looked at can be judged."""
    by_label = {host.label: host for host in case.comparison.objects}
    taken = {one.rule for one in taken_away(case.comparison, case.kept_before)}
    retired = [host.label for host in case.comparison.retired]
    for rule in case.comparison.inventory.keep:
        labels = rule.hosts or tuple(case.comparison.inventory.hosts)
        # What somebody has taken away is told as that: the rule is right, and the value is missing.
        if rule in taken or not by_label.keys() >= set(labels):
            continue
        if not rule.hosts:
            labels = (*labels, *retired)
        if not any(_has_value_of(rule, by_label[label]) for label in labels):
            owner = f" (owner: {rule.owner})" if rule.owner else ""
            message = f"this keep rule{owner} matches no value that is found"
            hosts = names.fold(rule.hosts)
            yield Observation(hosts, rule.value, message, named=(hosts,))


def _has_value_of(rule: Keep, host: HostComparison) -> bool:
    return any(rule.covers(verdict.value) for verdict in host.extra)


def _taken_away(case: MeshCase) -> Iterator[Observation]:
    """The service of whoever needs the value fails, and nothing but the record knows why."""
    for host, before, rule in taken_away(case.comparison, case.kept_before):
        owner = f" (owner: {rule.owner})" if rule.owner else ""
        message = f"was there on {before.seen[:10]}, run {before.run}{owner}; somebody removed it"
        yield Observation(host.label, before.value, message)


RULES = (
    Rule(
        "KCD019",
        Severity.LOW,
        "keep rule that matches nothing",
        "correct its value or its hosts, or remove the rule",
        "the inventory: keep",
        _idle_keep,
    ),
    Rule(
        "KCD031",
        Severity.HIGH,
        "a value under a keep rule that was there and is gone",
        "ask its owner; add it again where it is needed, or remove the keep rule; event 4742 tells "
        "who removed it",
        "the inventory: keep; the record of audits and runs",
        _taken_away,
        drift=True,
        preflight=False,
    ),
)
