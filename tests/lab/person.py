"""What a person is given with a lab: an inventory, a few virtual machines, what to type next."""

from __future__ import annotations

import os
import shlex
import shutil
from pathlib import Path

from tests.lab.description import HOSTS_DN, MESH, OPERATOR, READER, WRITER, Lab
from tests.lab.hosts import HostLab
from tests.lab.hosts.state import GIB, MIB

SPEED = 4 * MIB
"""Bytes a second: slow enough to watch."""
MACHINES = {"web1": 16 * MIB, "web2": 16 * MIB, "db1": 48 * MIB}

TOP = Path(__file__).parents[2]


def inventory(lab: Lab, hosts: int) -> Path:
    """Write an inventory for the lab, unless there is one, and give its path."""
    path = lab.folder / "inventory.yaml"
    if not path.exists():
        names = f"hv[01-{hosts or len(MESH):02}]"
        with_hosts = WITH_HOSTS.format(lab=lab) if hosts else ""
        fields = {"lab": lab, "writer": WRITER, "names": names, "hosts": with_hosts}
        path.write_text(INVENTORY.format(**fields))
    return path


def forget(lab: Lab) -> bool:
    """Remove the journal of a domain that is as new; whether there was one.

    Its runs were made on objects that are no more as they left them: a rollback would be refused,
    and a plan would go by hints that are none.
    """
    journal = lab.folder / ".delegation"
    was_there = journal.exists()
    if was_there:
        shutil.rmtree(journal)
    return was_there


def furnish(hosts: HostLab) -> None:
    """Put a few machines on the first host, if no host has any."""
    if not any(hosts.host(name).vms() for name in hosts.names):
        for name, size in MACHINES.items():
            hosts.host(hosts.names[0]).add_vm(name, disk_bytes=size, memory=2 * GIB)
        for name in hosts.names:
            hosts.host(name).speed(SPEED)


def next_steps(lab: Lab, inventory_file: Path) -> str:
    """Say what to type next, with paths from where one stands."""
    product = f"{shown(TOP / '.venv/bin/delegation')} -i {shown(inventory_file)}"
    return f"""\
A domain controller of {lab.domain} runs at {lab.address}. Type next:

  export DELEGATION_KNOWN_DOMAINS={lab.known_domains}
  export DELEGATION_PASSWORD={lab.accounts[WRITER]}
  {product} plan
  {product} apply
  {product} rollback

To look for yourself, with OpenLDAP:

  LDAPTLS_CACERT={shown(lab.ca_file)} ldapsearch -x -LLL -H {lab.ldaps_url} \\
    -D {lab.principal(READER)} -w {lab.accounts[READER]} \\
    -b {HOSTS_DN} '(cn=HV01)' userAccountControl msDS-AllowedToDelegateTo

The inventory, {inventory_file}, is yours to edit."""


def host_steps(lab: Lab, hosts: HostLab, inventory_file: Path) -> str:
    """Say what to type next, to have machines moved."""
    product = f"{shown(TOP / '.venv/bin/delegation')} -i {shown(inventory_file)}"
    if "remoting:" not in inventory_file.read_text():
        return f"""\
{shown(inventory_file)} was written before there were hosts, and does not say how to reach them:
delete it, and type `up --hosts` again."""
    listed = "\n".join(f"  {lab.fqdn(name):20} {lab.host_address(name)}" for name in hosts.names)
    first = hosts.names[0]
    return f"""\
{len(hosts.names)} Hyper-V hosts run, with {", ".join(MACHINES)} on {first}:

{listed}

First give the hosts their delegation: `hosts` below does not switch them to Kerberos before.

  {product} apply

Then, as the operator, with a ticket (the password is {lab.accounts[OPERATOR]}):

  export KRB5_CONFIG={lab.krb5_conf} KRB5CCNAME=/tmp/lab-ticket
  kinit {OPERATOR}
  {product} hosts plan
  {product} hosts apply
  {product} migrate drain {first}

Without `apply`, or after `rollback`, no machine leaves {first}."""


def shown(path: Path) -> str:
    """Give a path as one types it, from where one stands."""
    return shlex.quote(os.path.relpath(path))


INVENTORY = """\
# Written by scripts/lab: the lab's hosts in one mesh. Yours to edit; delete it to have it again.
domain: {lab.domain}
directory:
  url: ldaps://{lab.dc_fqdn}
  auth: simple
  user: {writer}
  ca_file: {lab.ca_file}
  # Only the lab's own DNS server knows these names.
  dns_servers: [{lab.address}]
  search_base:
    - {lab.hosts_dn}
{hosts}hosts:
  {names}:
meshes:
  production:
    members:
      - {names}
"""
WITH_HOSTS = """\
remoting:
  # No user: whoever holds a ticket, by kinit. Without https and ca_file it is HTTP, on which
  # messages are encrypted.
  https: true
  ca_file: {lab.ca_file}
defaults:
  live_migration:
    enabled: true
    authentication: Kerberos
    migrations: 2
    storage_migrations: 2
    performance: Compression
    any_network: true
"""
