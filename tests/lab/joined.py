"""A second domain controller beside a lab's own, writable or read-only, while it is needed.

It joins with a copy of the directory as it is then. Nothing replicates by itself afterwards: what
one of the two is told, the other does not know until ``pull``.
"""

from __future__ import annotations

import shutil
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum

from tests.lab import admin, certificates, dc, domain, ldif, systems
from tests.lab.certificates import Certificate
from tests.lab.configuration import configure, state
from tests.lab.description import ADMINISTRATOR, Lab, LabError
from tests.lab.programs import run_samba

SITE = "Default-First-Site-Name"


class Kind(StrEnum):
    """What the second DC is, as ``samba-tool domain join`` calls it."""

    WRITABLE = "DC"
    READ_ONLY = "RODC"


@contextmanager
def joined(lab: Lab, kind: Kind, name: str = "dc2") -> Iterator[Lab]:
    """Have a second DC of a running lab's domain, and the lab restored in the end.

    It is given as a lab of its own, with its own address and folder but the first one's CA, users
    and keytabs; ``dc`` ends and launches it. ``reset`` of the first would throw it out. At a
    read-only one everybody but the administrator can bind.

    Raises:
        LabError: it does not join or does not come up.
    """
    second = Lab(lab.folder.with_name(f"{lab.name}-{name}"), hardened=lab.hardened, dc_name=name)
    try:
        prepare(lab, second)
        join(lab, second, kind)
        dc.launch(second)
        yield second
    finally:
        discard(second)
        domain.restore(lab)


def prepare(lab: Lab, second: Lab) -> None:
    """Make the second DC's folder, with a certificate of the first one's CA."""
    discard(second)
    shutil.copytree(lab.tls, second.tls)
    shutil.copytree(lab.keytabs, second.keytabs)
    # It finds the first one by DNS, to which a read-only DC sends whatever it cannot answer.
    systems.resolver(second).write_text(f"nameserver {lab.address}\n")
    (second.tls / "openssl.cnf").write_text(certificates.settings(second))
    certificates.sign(second, Certificate.GOOD)


def discard(second: Lab) -> None:
    """End the second DC and remove all it has."""
    dc.end(second, signal.SIGKILL)
    if second.folder.exists():
        way = state(second).parent
        shutil.rmtree(second.folder)
        if way != second.folder:
            shutil.rmtree(way.parent)


def join(lab: Lab, second: Lab, kind: Kind) -> None:
    """Join the domain, as a DC that the first one's DNS server and its KDC know."""
    administer(second, "domain", "join", lab.domain, kind, f"--server={lab.address}")
    register(lab, second, kind)
    pull(lab, second)
    if kind is Kind.READ_ONLY:
        keep_passwords(lab, second)
    # What an account may do on a DC is that DC's policy, and does not replicate.
    privileges = "private/privilege.ldb"
    shutil.copyfile(state(lab) / privileges, state(second) / privileges)


def register(lab: Lab, second: Lab, kind: Kind) -> None:
    """Register in DNS and in the directory what a DC registers when it has run for a while."""
    service = "_ldap._tcp.{}dc"
    here = service.format(f"{SITE}._sites.")
    # A read-only DC is found by those who ask for its site only (MS-ADTS 6.3.2.3).
    services = [here] if kind is Kind.READ_ONLY else [here, service.format("")]
    add = ["dns", "add", lab.address]
    administer(second, *add, lab.domain, second.dc_name, "A", second.address)
    for name in services:
        administer(second, *add, f"_msdcs.{lab.domain}", name, "SRV", f"{second.dc_fqdn} 389 0 100")
    admin.modify(
        lab,
        ldif.modification(
            admin.account_of(lab, second.dc_name).dn,
            ("add", "servicePrincipalName", ldap_services(second)),
        ),
    )


def ldap_services(second: Lab) -> list[str]:
    """Give the LDAP names of a DC that Samba registers only when it has run for a while."""
    names = (second.dc_fqdn, second.dc_name, f"{second.dc_fqdn}/{second.domain}")
    return [f"ldap/{name}" for name in names]


def keep_passwords(lab: Lab, second: Lab) -> None:
    """Let a read-only DC keep the users' passwords, so that they can bind to it by password.

    Those of administrators it may not have.
    """
    users = sorted(lab.accounts.keys() - {ADMINISTRATOR})
    admin.set_members(
        lab,
        "Allowed RODC Password Replication Group",
        [admin.account_of(lab, user).dn for user in users],
    )
    administer(second, "rodc", "preload", *users, f"--server={lab.address}")


def pull(lab: Lab, second: Lab) -> None:
    """Bring what the first DC was told since to the second, as replication would: whole attributes.

    Where both were told something of the same attribute, the last writer wins (MS-DRSR). DNS
    records are not brought: ask the first one's DNS server.
    """
    both = (second.dc_fqdn, lab.address)
    administer(second, "drs", "replicate", "--local", *both, lab.base_dn)


def administer(second: Lab, *arguments: str) -> None:
    """Run ``samba-tool`` as administrator at the second DC; raise LabError if it fails."""
    password = f"--password={second.accounts[ADMINISTRATOR]}"
    options = ["-U", ADMINISTRATOR, password, f"--configfile={configure(second)}"]
    done = run_samba(second, ["samba-tool", *arguments, *options])
    if done.returncode != 0:
        raise LabError(f"samba-tool {arguments}: {done.stdout[-1000:]}{done.stderr[-3000:]}")
