"""``delegation trust``: make a domain known, so that a password may go to it."""

from pathlib import Path
from typing import Any

import click

from delegation import wiring
from delegation.cli import options, terminal
from delegation.errors import UsageError


@click.command()
@options.common()
@click.argument("domain", required=False, metavar="[DOMAIN]")
@click.option(
    "--ca-file",
    "ca_files",
    multiple=True,
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="PEM",
    help="A certificate authority of the domain controllers; may be repeated.",
)
@click.option(
    "--ca",
    "keys",
    multiple=True,
    metavar="sha256:KEY",
    help="The same by its public key; may be repeated, as for a roll-over.",
)
@click.option(
    "--dns-server",
    "dns_servers",
    multiple=True,
    metavar="IP",
    help="A DNS server that an inventory may name; may be repeated.",
)
@click.option(
    "--server",
    "servers",
    multiple=True,
    metavar="HOST",
    help="A domain controller by an address, or by a name outside the domain; may be repeated.",
)
@click.option(
    "--ntlm-without-tls",
    is_flag=True,
    help="Let NTLM go without TLS: any computer of the domain can then pose as its server.",
)
@click.option(
    "--replace", "replaces", is_flag=True, help="Forget what was known of the domain before."
)
@options.yes
@click.pass_context
def trust(ctx: click.Context, /, *, domain: str | None, yes: bool, **said: Any) -> int:  # noqa: ANN401 - as declared above
    """Make a domain known, so that a password may go to it.

    An inventory names domain, CA and DNS servers, and so can whoever may edit it. A password, an
    NTLM response and a pre-authentication go only to what you have made known yourself: here, or by
    the question that is asked once at a terminal. A ticket and a keytab need nothing. Without
    DOMAIN it lists what is known.

    The list is in your configuration folder, and holds no secret. For every account of this
    machine, as root: --known-domains /etc/delegation/known-domains.

    \b
    Examples:
      delegation trust
      delegation trust corp.example --ca-file corp-root-ca.pem --dns-server 10.0.0.53
      delegation --known-domains /etc/delegation/known-domains trust corp.example
    """
    trusting = wiring.trusting(options.given(ctx).places)
    if domain is None:
        if any(said.values()):
            raise UsageError("of which domain?", "name it: delegation trust corp.example ...")
        return _list(trusting.listed())
    proposal = trusting.proposed(domain, **said)
    if not proposal.lines:
        terminal.say(f"{domain} is known by that already: {trusting.file}")
        return 0
    for line in proposal.lines:
        terminal.say(line)
    question = f"Write that to {trusting.file}?"
    if not terminal.confirm(question, yes=yes, reviewed="you know that it is right"):
        terminal.say("declined; nothing was written")
        return 1
    terminal.say(f"wrote   {trusting.write(proposal)}")
    return 0


def _list(lines: list[str]) -> int:
    for line in lines:
        terminal.out(line)
    if not lines:
        terminal.say("no domain is known: no password goes anywhere without a question")
    return 0
