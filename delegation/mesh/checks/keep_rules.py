"""MeshCase -> observations of keep rules that keep nothing, and of what was taken from others."""

from collections.abc import Iterator

from delegation import names
from delegation.mesh.checks.rule import MeshCase, Observation, Rule, Severity
from delegation.mesh.kept_before import taken_away


def _idle_keep(case: MeshCase) -> Iterator[Observation]:
    """Rules that keep nothing; only those all of whose hosts were looked at can be judged."""
    by_label = {host.label: host for host in case.comparison.objects}
    taken = {one.rule for one in taken_away(case.comparison, case.kept_before)}
    retired = [host.label for host in case.comparison.retired]
    for rule in case.comparison.inventory.keep:
        labels = rule.hosts or tuple(case.comparison.inventory.hosts)
        # What somebody has taken away is told as that: the rule is right, and the value is missing.
        if rule in taken or not all(label in by_label for label in labels):
            continue
        labels = (*labels, *retired) if not rule.hosts else labels
        verdicts = [verdict for label in labels for verdict in by_label[label].extra]
        if not any(rule.covers(verdict.value) for verdict in verdicts):
            owner = f" (owner: {rule.owner})" if rule.owner else ""
            message = f"this keep rule{owner} matches no value that is found"
            hosts = names.fold(rule.hosts)
            yield Observation(hosts, rule.value, message, named=(hosts,))


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
