"""How the hosts are reached, and what migrations have to respect: two sections of an inventory."""

from delegation.inventory import Affinity, Apart, MigrateSettings, OnlyOn, Remoting, Slots, Together
from delegation.inventory.fields import Field, Fields, Reading
from delegation.inventory.hosts_section import Hosts
from delegation.inventory.meshes_section import members
from delegation.inventory.yaml_text import quoted


def remoting_settings(reading: Reading, field: Field | None) -> Remoting:
    fields = reading.fields(field, "remoting") if field else None
    if not fields:
        return Remoting()
    settings = Remoting(
        user=reading.text(fields.get("user")),
        keytab=reading.text(fields.get("keytab")),
        https=bool(reading.boolean(fields.get("https"))),
        port=reading.integer(fields.get("port"), 1, 65535),
        ca_file=reading.text(fields.get("ca_file")),
    )
    if "keytab" in fields and "user" not in fields:
        what = "a keytab without a user does not say who logs on"
        reading.problem(fields["keytab"].node, what, "add user: vmadmin")
    if "ca_file" in fields and settings.https is False and "https" not in fields:
        what = "ca_file is of no use without https: true"
        reading.problem(fields["ca_file"].node, what, "add https: true, or delete ca_file")
    return settings


def migrate_settings(reading: Reading, field: Field | None, hosts: Hosts) -> MigrateSettings:
    fields = reading.fields(field, "migrate") if field else None
    if not fields:
        return MigrateSettings()
    rules = fields.get("affinity")
    items = reading.items(rules, may_be_empty=True) if rules else None
    found = [_affinity(reading, item, hosts) for item in items or ()]
    return MigrateSettings(
        slots=reading.choice(fields.get("slots"), Slots) or Slots.BOTH,
        affinity=tuple(rule for rule in found if rule is not None),
    )


def _affinity(reading: Reading, item: Field, hosts: Hosts) -> Affinity | None:
    fields = reading.fields(item, "affinity")
    if fields is None:
        return None
    kinds = [name for name in ("apart", "together", "machines") if name in fields]
    if len(kinds) != 1 or ("hosts" in fields) != (kinds == ["machines"]):
        what = "an affinity rule is apart, together, or machines with hosts"
        fix = "write {apart: [dc1, dc2]}, {together: [web1, db1]} or {machines: [sql*], hosts: …}"
        reading.problem(item.node, what, fix)
        return None
    machines = _patterns(reading, fields[kinds[0]])
    if kinds == ["machines"]:
        return _only_on(reading, fields, machines, hosts)
    if len(machines) == 1 and not set(machines[0]) & set("*?"):
        what = f"{quoted(machines[0])} alone is {kinds[0]} with nobody"
        reading.problem(fields[kinds[0]].node, what, "name two machines, or a pattern")
    return Apart(machines) if kinds == ["apart"] else Together(machines)


def _only_on(
    reading: Reading, fields: Fields, machines: tuple[str, ...], hosts: Hosts
) -> Affinity | None:
    listed = members(reading, fields["hosts"], hosts)
    if listed.readable and not listed.named:
        what = "'hosts' is an empty list, so that the machines could be nowhere"
        reading.problem(fields["hosts"].node, what, "name the hosts, or delete the rule")
    return OnlyOn(machines, listed.labels)


def _patterns(reading: Reading, field: Field) -> tuple[str, ...]:
    found: dict[str, str] = {}
    for item in reading.items(field) or ():
        text = reading.text(item)
        if text is not None and text.casefold() in found:
            reading.problem(item.node, f"repeated machine {quoted(text)}", "name each once")
        elif text is not None:
            found[text.casefold()] = text
    return tuple(found.values())
