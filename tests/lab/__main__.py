"""A lab for a person to try the product on.

./scripts/lab up [--hosts N]      start it, with N Hyper-V hosts, and say what to type next
./scripts/lab status              exit code 0 if the domain controller runs, 1 if not
./scripts/lab down                stop it; what was changed in it stays
./scripts/lab fresh [--hosts N]   start it as new
"""

from __future__ import annotations

import sys

from tests.lab import dc, domain, person
from tests.lab.description import MESH, Lab, LabError
from tests.lab.hosts import HostLab


def main(arguments: list[str]) -> int:
    """Run one command and give the exit code."""
    lab = Lab.named("person")
    match arguments:
        case ["up" | "fresh" as how, *options]:
            number = wanted(options)
            if number is None:
                say(__doc__)
                return 2
            up(lab, number, new=how == "fresh")
        case ["status"]:
            return status(lab)
        case ["down"]:
            known(lab).stop()
            domain.stop(lab)
            say(f"stopped: {lab.folder}")
        case _:
            say(__doc__)
            return 2
    return 0


def wanted(options: list[str]) -> int | None:
    """Give the number of hosts that is asked for; None where that is not understood."""
    match options:
        case []:
            return 0
        case ["--hosts", number] if number.isdecimal() and 0 <= int(number) <= len(MESH):
            return int(number)
    return None


def up(lab: Lab, number: int, *, new: bool) -> None:
    """Start the DC and some hosts, as they were left or as new, and say what to type next."""
    if new:
        known(lab).kill()
        domain.restore(lab)
        if person.forget(lab):
            say("the journal of the old one was removed")
    else:
        domain.start(lab)
    hosts = HostLab(lab, MESH[:number])
    file = person.inventory(lab, number)
    if new:
        hosts.reset()
    else:
        hosts.start()
    say(person.next_steps(lab, file))
    if number:
        person.furnish(hosts)
        say("\n" + person.host_steps(lab, hosts, file))
    say(f"\nWhen done:\n\n  ./{person.shown(person.TOP / 'scripts/lab')} down")


def known(lab: Lab) -> HostLab:
    """Give the hosts that have ever run in a lab."""
    return HostLab(lab, [name for name in MESH if (lab.folder / "hosts" / name).exists()])


def status(lab: Lab) -> int:
    """Say what runs; 0 if the DC does."""
    now = dc.status(lab)
    say(f"{now.value}: {lab.ldaps_url}, {lab.folder}")
    hosts = known(lab)
    for name in hosts.names:
        one = "running" if hosts.host(name).running() else "stopped"
        say(f"{one}: {lab.fqdn(name)}, {lab.host_address(name)}")
    return 0 if now is dc.Status.RUNNING else 1


def say(text: str) -> None:
    """Print a line or more."""
    sys.stdout.write(f"{text}\n")


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except LabError as error:
        sys.stderr.write(f"lab: {error}\n")
        sys.exit(1)
