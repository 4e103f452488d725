"""A lab for a person to try the product on.

./scripts/lab up        start it, and say what to type next
./scripts/lab status    exit code 0 if it runs, 1 if not
./scripts/lab down      stop it; what was changed in it stays
./scripts/lab fresh     start it as new
"""

from __future__ import annotations

import os
import shlex
import sys
from pathlib import Path

from tests.lab import dc, domain
from tests.lab.description import HOSTS_DN, READER, WRITER, Lab, LabError


def main(arguments: list[str]) -> int:
    """Run one command and give the exit code."""
    lab = Lab.named("person")
    match arguments:
        case ["up"]:
            domain.start(lab)
            say(next_steps(lab, inventory(lab)))
        case ["fresh"]:
            domain.restore(lab)
            say(next_steps(lab, inventory(lab)))
        case ["status"]:
            now = dc.status(lab)
            say(f"{now.value}: {lab.ldaps_url}, {lab.folder}")
            return 0 if now is dc.Status.RUNNING else 1
        case ["down"]:
            domain.stop(lab)
            say(f"stopped: {lab.folder}")
        case _:
            say(__doc__)
            return 2
    return 0


def inventory(lab: Lab) -> Path:
    """Write an inventory for the lab, unless there is one, and give its path."""
    path = lab.folder / "inventory.yaml"
    if not path.exists():
        path.write_text(INVENTORY.format(lab=lab, writer=WRITER))
    return path


def next_steps(lab: Lab, inventory_file: Path) -> str:
    """Say what to type next, with paths from where one stands."""
    top = Path(__file__).parents[2]
    program, file, ca_file, down = (
        shlex.quote(os.path.relpath(path))
        for path in (
            top / ".venv" / "bin" / "delegation",
            inventory_file,
            lab.ca_file,
            top / "scripts" / "lab",
        )
    )
    product = f"{program} -i {file} --directory {lab.ldaps_url}"
    return f"""\
A domain controller of {lab.domain} runs at {lab.address}. Type next:

  export DELEGATION_PASSWORD={lab.accounts[WRITER]}
  {product} plan
  {product} apply
  {product} rollback

To look for yourself, with OpenLDAP:

  LDAPTLS_CACERT={ca_file} ldapsearch -x -LLL -H {lab.ldaps_url} \\
    -D {lab.principal(READER)} -w {lab.accounts[READER]} \\
    -b {HOSTS_DN} '(cn=HV01)' userAccountControl msDS-AllowedToDelegateTo

The inventory, {file}, is yours to edit. When done:

  ./{down} down"""


def say(text: str) -> None:
    """Print a line or more."""
    sys.stdout.write(f"{text}\n")


INVENTORY = """\
# Written by scripts/lab: the lab's 64 hosts in one mesh. Yours to edit; delete it to have it again.
domain: {lab.domain}
directory:
  # Only the lab's own DNS server knows this name: pass --directory {lab.ldaps_url}
  url: ldaps://{lab.dc_fqdn}
  auth: simple
  user: {writer}
  ca_file: {lab.ca_file}
  search_base:
    - {lab.hosts_dn}
hosts:
  hv[01-64]:
meshes:
  production:
    members:
      - hv[01-64]
"""


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except LabError as error:
        sys.stderr.write(f"lab: {error}\n")
        sys.exit(1)
