"""What the directory holds, down to the last attribute, seen by OpenLDAP's client."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from tests.lab import Lab, independent
from tests.lab.description import (
    ADMINISTRATOR,
    BASE_DN,
    MESH,
    TRUSTED_TO_AUTH_FOR_DELEGATION,
    WORKSTATION_TRUST_ACCOUNT,
    cifs_values,
    migration_values,
)
from tests.lab.ldif import Entry

LOGONS = {"badPasswordTime", "badPwdCount", "lastLogon", "lastLogonTimestamp", "logonCount"}
"""What a logon changes, that of a mere reader as well."""
COUNTERS = {"uSNChanged", "whenChanged", "replPropertyMetaData"}
"""What every write changes, even one that comes to nothing."""
EMPTY = WORKSTATION_TRUST_ACCOUNT
DELEGATING = WORKSTATION_TRUST_ACCOUNT | TRUSTED_TO_AUTH_FOR_DELEGATION

Objects = dict[str, dict[str, list[bytes]]]
Mesh = dict[str, tuple[int, list[str]]]


def objects(lab: Lab, *, counters: bool = True) -> Objects:
    """All objects of the domain with all their attributes; the order of values means nothing."""
    everything = ("*", "replPropertyMetaData", "nTSecurityDescriptor")
    found = independent.search(lab, "(objectClass=*)", *everything, account=ADMINISTRATOR)
    return {
        entry.dn: {
            name: sorted(values)
            for name, values in entry.attributes.items()
            if name not in LOGONS and (name not in COUNTERS or (counters and not logs_on(entry)))
        }
        for entry in found
    }


def logs_on(entry: Entry) -> bool:
    """Tell a user's account, which every logon writes to."""
    return entry.dn.endswith(f"CN=Users,{BASE_DN}")


def differences(before: Objects, after: Objects) -> list[str]:
    """What differs, by object and attribute."""
    return [
        f"{dn}: {name}"
        for dn in sorted(before.keys() | after.keys())
        for name in sorted(before.get(dn, {}).keys() | after.get(dn, {}).keys())
        if before.get(dn, {}).get(name) != after.get(dn, {}).get(name)
    ]


@contextmanager
def untouched(lab: Lab) -> Iterator[None]:
    """Nothing is written meanwhile, not even what changes nothing: each write has its number."""
    before = objects(lab)
    yield
    assert differences(before, objects(lab)) == []


@contextmanager
def restored(lab: Lab) -> Iterator[None]:
    """Whatever is written meanwhile, in the end every attribute of every object is as before."""
    before = objects(lab, counters=False)
    yield
    assert differences(before, objects(lab, counters=False)) == []


def mesh(lab: Lab) -> Mesh:
    """userAccountControl and the sorted values of every computer."""
    return {name: (uac, sorted(values)) for name, (uac, values) in independent.mesh(lab).items()}


def holding(lab: Lab) -> dict[str, set[str]]:
    """The values of those computers that have any."""
    return {name: set(values) for name, (_, values) in independent.mesh(lab).items() if values}


def towards(*targets: str) -> set[str]:
    """The four values towards each target."""
    return {
        value for target in targets for value in (*cifs_values(target), *migration_values(target))
    }


def mesh_of(*hosts: str) -> Mesh:
    """What a full mesh of hosts leaves on each of them."""
    return {host: (DELEGATING, sorted(towards(*hosts) - towards(host))) for host in hosts}


def first(count: int) -> tuple[str, ...]:
    """The names of the first hosts."""
    return MESH[:count]
