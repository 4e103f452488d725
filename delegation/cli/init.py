"""``delegation init``: an inventory of the Hyper-V hosts that a directory knows."""

import os
from itertools import count
from pathlib import Path

import click

from delegation import wiring
from delegation.cli import files, options, proposed
from delegation.cli.options import Options
from delegation.cli.outset import Outset
from delegation.errors import UsageError
from delegation.inventory import Auth, DirectorySettings
from delegation.mesh import discovery
from delegation.mesh.discovery import DiscoveryRequest

_STDOUT = Path("-")


@click.command()
@options.common()
@click.option(
    "--domain",
    metavar="NAME",
    help="The domain.  [default: as --directory says, else this machine's own]",
)
@click.option("--auth", type=click.Choice([str(auth) for auth in Auth]))
@click.option("--user", metavar="NAME", help="Who logs on.  [default: the current logon]")
@click.option("--keytab", metavar="FILE", help="The user's keytab, in place of a password.")
@click.option("--ca-file", metavar="FILE", help="Your certificate authority, as PEM.")
@click.option("--start-tls", is_flag=True, help="Begin TLS on ldap://.")
@click.option("--site", metavar="SITE", help="Prefer the domain controllers of this site.")
@click.option("--dns-server", multiple=True, metavar="IP", help="Ask this one; may be repeated.")
@click.option(
    "--ou",
    multiple=True,
    metavar="DN",
    help="Take the computers below it instead of those with a migration SPN; may be repeated.",
)
@click.option(
    "--name",
    metavar="PATTERN",
    help="Take the computers called so, as in 'hv*'; with --ou: of those below it.",
)
@click.option("--one-mesh", is_flag=True, help="One mesh of all hosts that are proposed.")
@click.option("--all-hosts", is_flag=True, help="Propose hosts without any delegation too, by OU.")
@options.output(
    "Write it there, - is stdout.  [default: the --inventory]", type=click.Path(path_type=Path)
)
@click.pass_context
def init(  # noqa: PLR0913 - one parameter an option
    ctx: click.Context,
    /,
    *,
    domain: str | None,
    auth: str | None,
    user: str | None,
    keytab: str | None,
    ca_file: str | None,
    start_tls: bool,
    site: str | None,
    dns_server: tuple[str, ...],
    ou: tuple[str, ...],
    name: str | None,
    one_mesh: bool,
    all_hosts: bool,
    output: Path | None,
) -> int:
    """Find the Hyper-V hosts in the directory; write an inventory.

    Hosts are the computers on which the migration service has registered its name; meshes are
    what delegates to each other already. That stays, flags as they are, with a keep rule for each
    value of others; every choice has its comment. Hosts without any delegation are told, and
    proposed with --all-hosts. Nothing is written to the directory, and no file is overwritten.

    \b
    Examples:
      delegation init
      delegation --directory ldaps://dc1.corp.example init --user svc-delegation
      delegation init --ou "OU=Hyper-V,DC=corp,DC=example" --name "hv*" -o -
      delegation --directory ldif:export.ldf init --all-hosts      a new farm

    Exit codes: 0 written, 1 no hosts found, 2 the file exists already, or wrong usage.
    """
    given = options.given(ctx)
    target = output or given.inventory
    file = None if target == _STDOUT else target
    if file is not None:
        _refuse_existing(file)
    settings = DirectorySettings(
        auth=Auth(auth) if auth else None,
        user=user,
        keytab=keytab,
        ca_file=ca_file,
        site=site,
        dns_servers=dns_server,
    )
    settings = _at_the_server(given, settings)._replace(start_tls=start_tls)
    around = Outset(given, (file or given.inventory).parent)
    request = DiscoveryRequest(settings, domain, ou, name, one_mesh, all_hosts)
    made = discovery.discover(around, request)
    if file is None:
        click.echo(made.text, nl=False)
    else:
        _create(file, made.text)
    proposed.tell(given, file, made.proposal)
    return 0


def _at_the_server(given: Options, settings: DirectorySettings) -> DirectorySettings:
    if given.directory is None:
        return settings
    return wiring.redirect(settings, given.directory)


def _create(file: Path, text: str) -> None:
    try:
        files.create(file, text)
    except FileExistsError:
        _refuse_existing(file)
        raise


def _refuse_existing(file: Path) -> None:
    """Raise UsageError for what is there already, with a name that is free."""
    if file.is_dir():
        raise UsageError(f"{file} is a folder", f"name a file in it: -o {file / 'inventory.yaml'}")
    if not os.path.lexists(file):
        return
    others = (file.with_name(f"{file.stem}.new{number}{file.suffix}") for number in count(1))
    free = next(other for other in others if not os.path.lexists(other))
    raise UsageError(
        f"{file} exists already, and init overwrites nothing",
        f"write to another file and compare the two: -o {free}",
    )
