"""``delegation init``: an inventory of the Hyper-V hosts that a directory knows."""

import os
from dataclasses import replace
from datetime import date
from itertools import count
from pathlib import Path
from typing import Any

import click

from delegation import names
from delegation.cli import files, options, proposed, unlisted, wiring
from delegation.cli.options import Options
from delegation.cli.unlisted import Wanted
from delegation.errors import DelegationError, DirectoryError, InventoryError, UsageError
from delegation.inventory import Auth, Inventory, reader, yaml_text
from delegation.mesh import discovery
from delegation.mesh.discovery import Asked, Proposal, draft, units
from delegation.mesh.reader import Inspector
from delegation.mesh.snapshot import Computer

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
@click.option("--one-mesh", is_flag=True, help="One mesh of all hosts, not one for each OU.")
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Write it there, - is stdout.  [default: the --inventory]",
)
@click.pass_context
def init(ctx: click.Context, /, **wanted: Any) -> int:  # noqa: ANN401 - click's own values
    """Find the Hyper-V hosts in the directory; write an inventory.

    Hosts are the computers on which the migration service has registered its name. What is
    delegated already stays: a mesh and its flags as they are, and a keep rule for each value of
    others; every choice has its comment. Nothing is written to the directory, and no file is
    overwritten.

    \b
    Examples:
      delegation init
      delegation --directory ldaps://dc1.corp.example init --user svc-delegation
      delegation init --ou "OU=Hyper-V,DC=corp,DC=example" --name "hv*" -o -
      delegation --directory ldif:export.ldf init --one-mesh

    Exit codes: 0 written, 1 no hosts found, 2 the file exists already, or wrong usage.
    """
    return _init(options.given(ctx), Wanted(**wanted))


def _init(given: Options, wanted: Wanted) -> int:
    target = wanted.output or given.inventory
    if target == _STDOUT:
        target, file = given.inventory, None
    else:
        file = target
        _refuse_existing(target)
    reached = unlisted.reached(given, wanted, target.parent)
    proposal = _proposed(given, wanted, reached)
    if not proposal.inventory.hosts:
        raise _nothing(proposal, wanted)
    text = draft.text(proposal)
    _refuse_too_long(text, proposal)
    _refuse_unfaithful(text, proposal.inventory)
    if file is None:
        click.echo(text, nl=False)
    else:
        try:
            files.create(file, text)
        except FileExistsError:
            _refuse_existing(file)
            raise
    proposed.tell(given, file, proposal)
    return 0


def _refuse_existing(file: Path) -> None:
    """Raise UsageError for what is there already, with a name that is free."""
    if file.is_dir():
        raise UsageError(f"{file} is a folder", f"name a file in it: -o {file / 'inventory.yaml'}")
    if not os.path.lexists(file):
        return
    names_of_new = (f"{file.stem}.new{number}{file.suffix}" for number in count(1))
    free = next(new for name in names_of_new if not os.path.lexists(new := file.with_name(name)))
    raise UsageError(
        f"{file} exists already, and init overwrites nothing",
        f"write to another file and compare the two: -o {free}",
    )


def _proposed(given: Options, wanted: Wanted, reached: unlisted.Reached) -> Proposal:
    asked = Asked(reached.written, date.today(), wanted.one_mesh)  # noqa: DTZ011 - the admin's day
    try:
        with wiring.reading(given, reached.settings, reached.domain) as inspector:
            chosen, accounts = _read(inspector, wanted)
            return discovery.propose(inspector.directory, chosen, accounts, asked)
    except (DirectoryError, UsageError) as exc:
        raise unlisted.in_words_of_options(exc, reached) from exc


def _read(inspector: Inspector, wanted: Wanted) -> tuple[list[Computer], list[Computer]]:
    """The accounts that are wanted, and all that were read."""
    accounts = inspector.find(())
    if wanted.ou or wanted.name is not None:
        chosen = inspector.computers("*" if wanted.name is None else wanted.name)
        chosen = units.below(chosen, wanted.ou) if wanted.ou else chosen
    else:
        chosen = discovery.registered(accounts)
    if len(chosen) > names.MAX_HOSTS:
        raise UsageError(
            f"{len(chosen):,} accounts were found, more than an inventory may name",
            "name fewer with --ou or --name",
        )
    who, spns = discovery.questions(chosen)
    return chosen, [*accounts, *inspector.find(who, spns)]


def _nothing(proposal: Proposal, wanted: Wanted) -> DelegationError:
    where = f"{proposal.inventory.domain} on {proposal.directory.dc}"
    if not proposal.left_out:
        return DelegationError(
            f"no Hyper-V host was found in {where}",
            "look whether --ou or --name fit any computer"
            if wanted.ou or wanted.name is not None
            else "none has registered the migration service: name them with --ou or --name",
        )
    fix = "" if wanted.one_mesh else "; --one-mesh takes hosts of several units together"
    return DelegationError(
        f"no two hosts that could migrate to each other were found in {where}",
        f"these can't be, each for its reason{fix}",
        proposed.left_out(proposal),
    )


def _refuse_too_long(text: str, proposal: Proposal) -> None:
    if len(text.encode()) > yaml_text.MAX_BYTES:
        raise UsageError(
            f"the inventory would be larger than {yaml_text.MAX_BYTES >> 20} MiB: "
            f"{len(proposal.inventory.hosts):,} hosts, {len(proposal.inventory.keep):,} keep rules",
            "use --one-mesh where hosts of several units migrate to each other; else take fewer "
            "hosts, with --ou or --name",
        )


def _refuse_unfaithful(text: str, wanted: Inventory) -> None:
    """The file must say exactly what was proposed, whatever names the directory holds."""
    try:
        said = reader.parse(text.encode(), "the inventory")
    except InventoryError as exc:
        raise DelegationError(
            "internal error: the inventory that was made is not valid; nothing was written",
            "this is a bug in delegation: please report it",
            [str(problem) for problem in exc.problems[:5]],
        ) from exc
    if replace(said, digest=wanted.digest) != wanted:
        raise DelegationError(
            "internal error: the inventory that was made says something else than was found; "
            "nothing was written",
            "this is a bug in delegation: please report it",
        )
