"""How the hosts are reached, and what migrations have to respect: two sections of an inventory."""

from delegation.inventory import Affinity, Apart, MigrateSettings, OnlyOn, Remoting, Together
from delegation.inventory.declared import DeclaredSection
from delegation.inventory.fields import Field, Reading
from delegation.inventory.hosts_section import DeclaredHosts
from delegation.inventory.meshes_section import listed_hosts
from delegation.inventory.value_types import texts
from delegation.inventory.yaml_text import quoted

MACHINES = texts("machines and patterns")
"""Read with the rule that it makes."""


def remoting_settings(declared: DeclaredSection) -> Remoting:
    settings = declared.made(Remoting)
    if "keytab" in declared and "user" not in declared:
        what = "a keytab without a user does not say who logs on"
        declared.problem("keytab", what, "add user: vmadmin")
    if "ca_file" in declared and "https" not in declared:
        what = "ca_file is of no use without https: true"
        declared.problem("ca_file", what, "add https: true, or delete ca_file")
    return settings


def migrate_settings(declared: DeclaredSection, hosts: DeclaredHosts) -> MigrateSettings:
    found = [_affinity_rule(rule, hosts) for rule in declared.sections("affinity")]
    affinity = tuple(rule for rule in found if rule is not None)
    return declared.made(MigrateSettings, affinity=affinity)


def _affinity_rule(declared: DeclaredSection, hosts: DeclaredHosts) -> Affinity | None:
    kinds = [key for key in ("apart", "together", "machines") if key in declared]
    if len(kinds) != 1 or ("hosts" in declared) != (kinds == ["machines"]):
        what = "an affinity rule is apart, together, or machines with hosts"
        fix = "write {apart: [dc1, dc2]}, {together: [web1, db1]} or {machines: [sql*], hosts: …}"
        declared.reading.problem(declared.node, what, fix)
        return None
    (kind,) = kinds
    machines = _machines(declared.reading, declared.fields[kind])
    if kind == "machines":
        return OnlyOn(machines, _hosts_of_rule(declared, hosts))
    is_one_machine = len(machines) == 1 and not set(machines[0]) & set("*?")
    if is_one_machine:
        what = f"{quoted(machines[0])} alone is {kind} with nobody"
        declared.problem(kind, what, "name two machines, or a pattern")
    return Apart(machines) if kind == "apart" else Together(machines)


def _hosts_of_rule(declared: DeclaredSection, hosts: DeclaredHosts) -> tuple[str, ...]:
    listed = listed_hosts(declared.reading, declared.fields["hosts"], hosts)
    if listed.readable and not listed.named:
        what = "'hosts' is an empty list, so that the machines could be nowhere"
        declared.problem("hosts", what, "name the hosts, or delete the rule")
    return listed.labels


def _machines(reading: Reading, field: Field) -> tuple[str, ...]:
    found: dict[str, str] = {}
    for item in reading.items(field) or ():
        text = reading.text(item)
        if text is not None and text.casefold() in found:
            reading.problem(item.node, f"repeated machine {quoted(text)}", "name each once")
        elif text is not None:
            found[text.casefold()] = text
    return tuple(found.values())
