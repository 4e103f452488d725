"""What ``scripts/bench`` runs: each figure is a ratio of two commands timed in turn.

Machines are noisy: a pair is run several times, A B A B, and the median of the ratios counts.
"""

import gc
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import date
from pathlib import Path
from uuid import UUID

from delegation.changes.outcomes import Result
from delegation.changes.plan import Change, Plan
from delegation.directory import change_file
from delegation.directory.connection import Credentials
from delegation.directory.ldap import LdapDirectory
from delegation.hosts.places import Account, Place
from delegation.inventory import DirectorySettings, Host, Inventory, Mesh
from delegation.mesh import compare, planning, snapshot
from delegation.mesh.desired import expand
from delegation.mesh.state import Delegation
from delegation.migrations.schedule.simulate import timeline
from tests.bench_hosts import POWERSHELL, ManyHosts, Reader
from tests.lab import configuration, description, domain
from tests.lab.delay import delayed
from tests.lab.description import OPERATOR, Lab
from tests.lab.elsewhere import Elsewhere
from tests.lab.programs import run_samba
from tests.migrations import instances, policies

PAIRS = 9
CROWD = 10_000
"""Accounts of a domain in which an audit looks from outside in."""
WRITER = "svc-delegation"


def main(wanted: list[str]) -> None:
    benches = {
        "apply": _apply,
        "audit": _audit,
        "outside": _outside,
        "pipeline": _pipeline,
        "plan": _plan,
        "help": _help,
        "migrate": _migrate,
        "hosts": _hosts,
    }
    sys.stdout.write(f"{'what':<58} {'ratio':>7} {'at most':>8}\n")
    needs_lab = {"apply", "audit", "pipeline", "hosts", "outside"} & set(wanted or benches)
    if needs_lab:
        with _lab() as lab:
            # Last what fills the domain with accounts: all others are of a domain without them.
            for name in sorted(wanted or benches, key=lambda name: name == "outside"):
                if name in needs_lab:
                    benches[name](lab)
    for name in wanted or benches:
        if name not in needs_lab:
            benches[name](None)


@contextmanager
def _lab() -> Iterator[Lab]:
    lab = replace(Lab.named("bench"), durable=True)
    domain.restore(lab)
    try:
        yield lab
    finally:
        domain.stop(lab)


def _tell(what: str, ratio: float, bound: float, digits: int = 2) -> None:
    verdict = "" if ratio <= bound else "   MISSED"
    sys.stdout.write(f"{what:<58} {ratio:>7.{digits}f} {bound:>8.{digits}f}{verdict}\n")
    sys.stdout.flush()


def _seconds(action: Callable[[], object]) -> float:
    start = time.perf_counter()
    action()
    return time.perf_counter() - start


def _ratio(
    ours: Callable[[], object], theirs: Callable[[], object], after: Callable[[], object]
) -> float:
    """The median of the ratios of pairs run in turn; ``after`` puts things back, untimed."""
    ratios = []
    for _ in range(PAIRS):
        ours_took = _seconds(ours)
        after()
        theirs_took = _seconds(theirs)
        after()
        ratios.append(ours_took / theirs_took)
    return statistics.median(ratios)


def _run(command: list[str], lab: Lab | None = None, codes: tuple[int, ...] = (0,)) -> None:
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    if lab is not None:
        environment["DELEGATION_PASSWORD"] = lab.accounts[WRITER]
        environment["DELEGATION_KNOWN_DOMAINS"] = str(lab.known_domains)
        environment["LDAPTLS_CACERT"] = str(lab.ca_file)
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode not in codes:
        raise SystemExit(f"{command[0]} ended with {done.returncode}: {done.stderr[-2000:]}")


def _inventory_file(lab: Lab, folder: Path) -> list[str]:
    (folder / "inventory.yaml").write_text(
        f"domain: {lab.domain}\n"
        f"directory: {{user: {WRITER}, auth: simple, ca_file: {lab.ca_file}}}\n"
        "hosts: {'hv[01-64]': }\n"
    )
    program = str(Path(sys.executable).with_name("delegation"))
    return [program, "-i", str(folder / "inventory.yaml"), "--directory", lab.ldaps_url]


def _apply(lab: Lab | None) -> None:
    """The whole process, planned, recorded and verified, against the C program fed the change."""
    assert lab is not None
    with tempfile.TemporaryDirectory() as name, _directory(lab) as directory:
        folder = Path(name)
        program = _inventory_file(lab, folder)
        planned = _mesh_plan(lab, directory)
        change_file.write_undo(folder / "undo.ldif", planned)
        change_file.write_undo(folder / "do.ldif", planned.reversed())
        ldapmodify = [
            *("ldapmodify", "-x", "-H", lab.ldaps_url, "-D", lab.principal(WRITER)),
            *("-w", lab.accounts[WRITER], "-f"),
        ]
        ratio = _ratio(
            lambda: _run([*program, "apply", "--yes"], lab),
            lambda: _run([*ldapmodify, str(folder / "do.ldif")], lab),
            lambda: _run([*ldapmodify, str(folder / "undo.ldif")], lab),
        )
    _tell("apply, 64 empty hosts: whole process / ldapmodify -f", ratio, 2)


def _audit(lab: Lab | None) -> None:
    """The steady state: nothing to report, one search."""
    assert lab is not None
    with tempfile.TemporaryDirectory() as name:
        program = _inventory_file(lab, Path(name))
        _run([*program, "apply", "--yes"], lab)
        terms = "".join(f"(sAMAccountName=hv{n:02}$)" for n in range(1, 65))
        bare = (
            "import ldap3, ssl, sys\n"
            "tls = ldap3.Tls(validate=ssl.CERT_REQUIRED, valid_names='*',\n"
            "                ca_certs_file=sys.argv[2])\n"
            "server = ldap3.Server(sys.argv[1], tls=tls, get_info=ldap3.NONE)\n"
            "with ldap3.Connection(server, sys.argv[3], sys.argv[4]) as c:\n"
            "    c.search('DC=corp,DC=example', sys.argv[5], attributes=['sAMAccountName',\n"
            "        'objectGUID', 'userAccountControl', 'primaryGroupID', 'dNSHostName',\n"
            "        'servicePrincipalName', 'msDS-AllowedToDelegateTo', 'objectClass'])\n"
            "    assert len(c.response) >= 64\n"
        )
        credentials = [lab.principal(WRITER), lab.accounts[WRITER], f"(|{terms})"]
        script = [sys.executable, "-c", bare, lab.ldaps_url, str(lab.ca_file), *credentials]
        audit = [*program, "audit", "--inside-only"]
        ratio = _ratio(lambda: _run(audit, lab), lambda: _run(script), lambda: None)
        _run([*program, "rollback", "--yes"], lab)
    _tell("audit, 64 hosts: whole process / bare ldap3 script", ratio, 1.3)


def _outside(lab: Lab | None) -> None:
    """The search that no index helps, in a domain of 10,000 accounts; no ratio is wanted of it."""
    assert lab is not None
    _fill(lab, CROWD)
    with tempfile.TemporaryDirectory() as name:
        program = _inventory_file(lab, Path(name))
        _run([*program, "apply", "--yes"], lab)
        times: dict[str, float] = {}
        for what, words in (("inside only", ["--inside-only"]), ("outside as well", [])):
            times[what] = _usual_seconds([*program, "audit", *words], lab)
        _run([*program, "rollback", "--yes"], lab)
    for what, took in times.items():
        sys.stdout.write(f"audit, 64 hosts of {CROWD:,} accounts, {what}: {took:.2f} s\n")
    ratio = times["outside as well"] / times["inside only"]
    sys.stdout.write(f"{'audit among them: outside as well / inside only':<58} {ratio:>7.2f}\n")


def _usual_seconds(command: list[str], lab: Lab) -> float:
    return statistics.median(_seconds(lambda: _run(command, lab)) for _ in range(PAIRS))


def _fill(lab: Lab, count: int) -> None:
    """More accounts, so that there are ``count`` with the lab's own."""
    domain.stop(lab)
    own = len(description.HOSTS) + len(description.ACCOUNTS) + 1
    folder = configuration.state(lab)
    (partition,) = (folder / "private" / "sam.ldb.d").glob("DC=CORP,DC=EXAMPLE.ldb")
    wanted = {
        "configuration": str(folder / "smb.conf"),
        "database": str(folder / "private" / "sam.ldb"),
        "base_dn": lab.base_dn,
        "domain": lab.domain,
        "partition": str(partition),
    }
    program = Path(domain.__file__).with_name("crowd.py")
    command = [domain.SYSTEM_PYTHON, "-I", str(program)]
    # In parts, because each account takes longer than the one before it.
    for first in range(0, count - own, 500):
        part = {**wanted, "first": first, "end": min(first + 500, count - own)}
        done = run_samba(lab, command, json.dumps(part), program.parent)
        if done.returncode != 0:
            raise SystemExit(f"the domain can't be filled: {done.stderr[-2000:]}")
    domain.start(lab)


def _pipeline(lab: Lab | None) -> None:
    """64 one-value modifies at a round trip of 20 ms, together and one at a time.

    And together beside together at no distance, which is the domain controller's own time: no
    pipeline takes less.
    """
    assert lab is not None
    with (
        delayed(lab, milliseconds=10) as url,
        _directory(lab, url) as far,
        _directory(lab) as near,
    ):
        changes = [
            Change(c.target, c.before, Delegation((*c.before.values, "cifs/bench"), c.before.uac))
            for c in _mesh_plan(lab, near).changes
        ]
        back = [change.reversed() for change in changes]
        singles = [[change] for change in changes]
        ratio = _ratio(
            lambda: _write(far, [changes]),
            lambda: _write(far, singles),
            lambda: _write(near, [back]),
        )
        distance = _ratio(
            lambda: _write(far, [changes]),
            lambda: _write(near, [changes]),
            lambda: _write(near, [back]),
        )
    _tell("64 writes at 20 ms: pipelined / one at a time", ratio, 0.15)
    sys.stdout.write(f"{'64 writes, pipelined: at 20 ms / at none':<58} {distance:>7.2f}\n")


def _write(directory: LdapDirectory, batches: Iterable[list[Change[Delegation]]]) -> None:
    for batch in batches:
        for outcome in directory.write(batch):
            if outcome.result is not Result.APPLIED:
                raise SystemExit(outcome.reason)


@contextmanager
def _directory(lab: Lab, url: str | None = None) -> Iterator[LdapDirectory]:
    settings = DirectorySettings(url=url or lab.ldaps_url, ca_file=str(lab.ca_file))
    directory = LdapDirectory(settings, lab.domain, Credentials(WRITER, lab.accounts[WRITER]))
    try:
        yield directory
    finally:
        directory.close()


def _mesh_plan(lab: Lab, directory: LdapDirectory) -> Plan[Delegation]:
    inventory = _inventory(64, lab.domain)
    desired = expand(inventory)
    wanted = desired.account_names()
    found = snapshot.resolve(directory.directory, wanted, directory.find(wanted))
    return planning.plan(compare.compare(inventory, desired, found, date(2026, 1, 1)))


def _inventory(count: int, domain_name: str = "corp.example") -> Inventory:
    """Meshes of 64 hosts."""
    labels = [f"hv{n:05}" if count > 64 else f"hv{n:02}" for n in range(1, count + 1)]
    hosts = {label: Host(label, label, f"{label}.{domain_name}") for label in labels}
    meshes = []
    for start in range(0, count, 64):
        members = tuple(labels[start : start + 64])
        meshes.append(Mesh(f"mesh{start}", members, members))
    return Inventory(domain_name, "sha256:bench", hosts, tuple(meshes))


def _plan(_lab: Lab | None) -> None:
    """Time a value, from 64 hosts to 10,000, of expanding, comparing and planning."""
    gc.disable()  # as the program does
    small = min(_planning_seconds(64) for _ in range(15)) / (64 * 252)
    hosts = 9_984  # whole meshes of 64
    took = min(_planning_seconds(hosts) for _ in range(3))
    _tell("plan, time a value: 10,000 hosts / 64 hosts", took / (hosts * 252) / small, 1.3)
    _tell(f"plan, 10,000 hosts: {took:.1f} s / 5 s", took / 5, 1)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    _tell(f"plan, 10,000 hosts: {peak:.0f} MB / 600 MB", peak / 600, 1)


def _planning_seconds(count: int) -> float:
    inventory = _inventory(count)
    directory = snapshot.Directory("bench", "corp.example", "DC=corp,DC=example", "dc1")
    accounts = [
        snapshot.Computer(
            f"{host.computer}$",
            f"CN={host.computer},DC=corp,DC=example",
            UUID(int=number, version=4),
            snapshot.WORKSTATION_TRUST_ACCOUNT,
            dns_host_name=host.fqdn,
        )
        for number, host in enumerate(inventory.hosts.values())
    ]

    def act() -> None:
        desired = expand(inventory)
        found = snapshot.resolve(directory, desired.account_names(), accounts)
        comparison = compare.compare(inventory, desired, found, date(2026, 1, 1))
        planned = planning.plan(comparison)
        assert len(planned.changes) == count
        assert planned.digest

    return _seconds(act)


def _hosts(lab: Lab | None) -> None:
    """64 hosts with 30 machines of two disks each, at 20 ms round trip: at once, and in turn."""
    assert lab is not None
    labels = [f"hv{number:02}" for number in range(1, 65)]
    account = Account(OPERATOR, str(lab.keytab(OPERATOR)))
    places = {label: Place(lab.fqdn(label), lab.host_address(label)) for label in labels}
    with (
        Elsewhere(lab, ManyHosts, lab, labels, 30),
        Elsewhere(lab, Reader) as reader,
    ):
        reader.call("meet", places, account)
        reader.call("in_turn", labels[:2])
        together, in_turn = [], []
        for _ in range(3):
            together.append(reader.call("together"))
            # A sixteenth of them: one after the other is what it is.
            in_turn.append(16 * reader.call("in_turn", labels[:4]))
        trips = reader.call("round_trips", "hv01")
    took = statistics.median(together)
    _tell_of_old_way(trips)
    _tell("hosts, 64 with 30 VMs: read at once / in turn", took / statistics.median(in_turn), 0.5)
    _tell(f"hosts, 64 with 30 VMs, at 20 ms: {took:.1f} s / 10 s", took / 10, 1)
    _tell(f"hosts, one with 30 VMs: {trips} round trips / 30", trips / 30, 1)
    with Elsewhere(lab, ManyHosts, lab, labels[:1], 200), Elsewhere(lab, Reader) as reader:
        reader.call("meet", places, account)
        trips = reader.call("round_trips", "hv01")
    _tell(f"hosts, one with 200 VMs, 400 disks: {trips} round trips / 60", trips / 60, 1)


def _tell_of_old_way(trips: int) -> None:
    """Beside today's figures; no ratio is wanted of what can't be measured any more."""
    old = POWERSHELL
    for what, ratio in (
        (f"round trips / PowerShell's {old.trips}", trips / old.trips),
        ("seconds / PowerShell's, when it went", old.seconds),
        ("reader's CPU time / PowerShell's", old.cpu),
    ):
        sys.stdout.write(f"{f'hosts, {what} ({old.commit})':<58} {ratio:>7.2f}\n")


def _help(_lab: Lab | None) -> None:
    program = str(Path(sys.executable).with_name("delegation"))
    ratio = _ratio(
        lambda: _run([program, "--help"]),
        lambda: _run([sys.executable, "-c", "import click"]),
        lambda: None,
    )
    _tell('delegation --help / python -c "import click"', ratio, 2)


def _migrate(_lab: Lab | None) -> None:
    """Simulated migrations; how they are drawn is said in tests/migrate/instances.py."""
    gc.disable()  # as the program does
    for machines, bound in ((2_000, 0.25), (5_000, 0.5)):
        took = min(_scheduling_seconds(machines) for _ in range(5))
        what = f"migrate, {machines:,} VMs planned:"
        _tell(f"{what} {took:.2f} s of CPU / {bound} s", took / bound, 1)
    drawn = [instances.balanced(seed) for seed in range(10)]
    what = "migrate, 64 hosts, 2,000 VMs: makespan / "
    _tell(f"{what}lower bound", _mean_to_bound(drawn), 1.01, 3)
    for name, policy, bound in (
        ("FIFO", policies.fifo, 1),
        ("foreach by source", policies.foreach_per_source, 0.75),
        ("waves", policies.waves, 0.5),
        ("one foreach", policies.foreach_global, 0.05),
    ):
        ours = sum(timeline(one.hosts, one.moves).seconds for one in drawn)
        _tell(what + name, ours / sum(policy(one.hosts, one.moves) for one in drawn), bound, 3)
    for kind, draw, bound in (("mixed", instances.mixed, 1.005), ("hard", instances.hard, 1.04)):
        mean = _mean_to_bound([draw(seed) for seed in range(256)])
        _tell(f"migrate, 256 {kind} instances: makespan / lower bound", mean, bound, 3)


def _scheduling_seconds(machines: int) -> float:
    drawn = instances.balanced(0, 64, machines)
    start = time.process_time()
    assert not timeline(drawn.hosts, drawn.moves).unsolved
    return time.process_time() - start


def _mean_to_bound(drawn: list[instances.Instance]) -> float:
    found = [timeline(one.hosts, one.moves) for one in drawn]
    return statistics.mean(one.seconds / one.bound.seconds for one in found)


if __name__ == "__main__":
    main(sys.argv[1:])
