"""Request -> ProposedFile: the inventory of what was found, and its text; the use case.

There is no inventory yet: the domain, and how its directory is reached, come from whoever asks, and
are judged as the inventory's reader would judge them, before anything is asked of anybody.
"""

from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import date
from typing import Protocol

from delegation import names
from delegation.errors import DelegationError, DirectoryError, InventoryError, UsageError
from delegation.inventory import DirectorySettings, reader, yaml_text
from delegation.inventory.judged import judged_settings
from delegation.mesh.discovery import draft, units
from delegation.mesh.discovery.proposal import InventoryProposal, registered
from delegation.mesh.discovery.proposing import ProposalTerms, propose, questions
from delegation.mesh.seams import Inspector
from delegation.mesh.snapshot import Computer


@dataclass(frozen=True, slots=True)
class DiscoveryRequest:
    """Where to look, and for which computers.

    ``settings`` is how the directory is reached, with paths as seen from here; without a ``domain``
    it is told by an export, or guessed. ``units`` are distinguished names: the computers below them
    are taken instead of those with a migration SPN, or those called like ``pattern``.
    """

    settings: DirectorySettings
    domain: str | None = None
    units: tuple[str, ...] = ()
    pattern: str | None = None
    one_mesh: bool = False
    all_hosts: bool = False

    @property
    def names_hosts(self) -> bool:
        """Whether the hosts are named, and not found by what they have registered."""
        return bool(self.units) or self.pattern is not None


class Surroundings(Protocol):
    """The world before there is an inventory."""

    def reading(
        self, settings: DirectorySettings, domain: str
    ) -> AbstractContextManager[Inspector]:
        """A directory to look at, through an interface that has no write."""

    def domains_of_export(self, file: str) -> Sequence[str]:
        """The domains of which an export holds objects. Raises ExportError."""

    def guessed_domains(self, url: str) -> Iterable[tuple[str, str]]:
        """What the domain of the server at ``url``, or this machine's, may be called.

        Each comes with where the name is from.
        """

    def from_inventory(self, path: str) -> str:
        """A path as it is written in the inventory to be, which may lie in another folder."""

    def today(self) -> date:
        """The day on which the inventory is made."""


@dataclass(frozen=True, slots=True)
class ProposedFile:
    """A proposed inventory, and the text of its file."""

    proposal: InventoryProposal
    text: str


def discover(around: Surroundings, request: DiscoveryRequest) -> ProposedFile:
    """The inventory of what is there; nothing is written.

    Raises UsageError for a request that makes no sense, DirectoryError, and DelegationError where
    no two hosts are found that could migrate to each other.
    """
    domain, source = _domain(around, request)
    settings = _judged(around, request, domain)
    terms = ProposalTerms(settings, around.today(), request.one_mesh, request.all_hosts)
    try:
        with around.reading(request.settings, domain) as inspector:
            chosen, accounts = _read(inspector, request)
            mappings = inspector.spn_mappings()
            proposal = propose(inspector.directory, chosen, accounts, terms, mappings)
    except DirectoryError as exc:
        if source:
            hint = f"the domain was taken from {source}: if it is another, --domain"
            exc.details = (*exc.details, hint)
        raise
    if not proposal.inventory.hosts:
        raise _nothing(proposal, request)
    text = draft.text(proposal)
    _refuse_too_long(text, proposal)
    _refuse_unfaithful(text, proposal)
    return ProposedFile(proposal, text)


def _domain(around: Surroundings, request: DiscoveryRequest) -> tuple[str, str]:
    """The domain, and where its name comes from, empty where it is no guess.

    A guess is confirmed by the domain controller, which refuses to be another domain's. It is
    never followed by a second one: each might cost a failed logon.
    """
    if request.domain is not None:
        return request.domain.lower(), ""
    url = request.settings.url or ""
    if url.startswith("ldif:"):
        return _domain_of_export(around, url.removeprefix("ldif:")), ""
    for guess, source in around.guessed_domains(url):
        if _may_be_domain(guess):
            return guess.lower(), source
    raise UsageError("this machine is in no domain that it knows of", "name it: --domain NAME")


def _may_be_domain(name: str) -> bool:
    """An IP address looks like a DNS name, and is none."""
    return names.is_fqdn(name) and not name.rpartition(".")[2].isdigit()


def _domain_of_export(around: Surroundings, file: str) -> str:
    domains = around.domains_of_export(file)
    if len(domains) == 1:
        return domains[0]
    raise UsageError(
        f"{file} has objects of {len(domains)} domains: {', '.join(domains) or 'none'}",
        "say which one: --domain NAME",
    )


def _judged(around: Surroundings, request: DiscoveryRequest, domain: str) -> DirectorySettings:
    """The settings as the inventory will have them. Raises UsageError with all that is wrong."""
    problems = []
    pattern = request.pattern
    if pattern is not None and not (pattern.strip() and pattern.isprintable()):
        problems.append("--name is empty, or has an invisible character in it; write it like 'hv*'")
    settings = _moved(around, request.settings)._replace(search_base=request.units)
    try:
        settings = judged_settings(domain, settings, "the options")
    except InventoryError as exc:
        problems += [f"{problem.what}; {problem.fix}" for problem in exc.problems]
    if problems:
        fix = "most options stand for a key of the inventory: see inventory.example.yaml"
        raise UsageError("these options are not valid", fix, problems)
    return settings._replace(search_base=())


def _moved(around: Surroundings, settings: DirectorySettings) -> DirectorySettings:
    """With its paths as they are written in the inventory."""
    url = settings.url
    if url and url.startswith("ldif:"):
        url = f"ldif:{around.from_inventory(url.removeprefix('ldif:'))}"
    keytab, ca_file = (
        path and around.from_inventory(path) for path in (settings.keytab, settings.ca_file)
    )
    return settings._replace(url=url, keytab=keytab, ca_file=ca_file)


def _read(inspector: Inspector, request: DiscoveryRequest) -> tuple[list[Computer], list[Computer]]:
    """The accounts that are wanted, and all that were read."""
    accounts = inspector.find(())
    if request.names_hosts:
        chosen = inspector.computers("*" if request.pattern is None else request.pattern)
        chosen = units.below(chosen, request.units) if request.units else chosen
    else:
        chosen = registered(accounts)
    if len(chosen) > names.MAX_HOSTS:
        raise UsageError(
            f"{len(chosen):,} accounts were found, more than an inventory may name",
            "name fewer with --ou or --name",
        )
    who, spns = questions(chosen)
    return chosen, [*accounts, *inspector.find(who, spns)]


def _nothing(proposal: InventoryProposal, request: DiscoveryRequest) -> DelegationError:
    where = f"{proposal.inventory.domain} on {proposal.directory.dc}"
    if proposal.waiting:
        what = f"no two of the hosts in {where} delegate migrations to each other"
        reasons = [proposal.not_proposed(), *proposal.reasons()]
        return DelegationError(what, "to propose them all the same: --all-hosts", reasons)
    if not proposal.left_out:
        if request.names_hosts:
            fix = "look whether --ou or --name fit any computer"
        else:
            fix = "none has registered the migration service: name them with --ou or --name"
        return DelegationError(f"no Hyper-V host was found in {where}", fix)
    fix = "these can't be, each for its reason"
    if not request.one_mesh:
        fix += "; --one-mesh takes hosts of several units together"
    what = f"no two hosts that could migrate to each other were found in {where}"
    return DelegationError(what, fix, proposal.reasons())


def _refuse_too_long(text: str, proposal: InventoryProposal) -> None:
    if len(text.encode()) > yaml_text.MAX_BYTES:
        raise UsageError(
            f"the inventory would be larger than {yaml_text.MAX_BYTES >> 20} MiB: "
            f"{len(proposal.inventory.hosts):,} hosts, {len(proposal.inventory.keep):,} keep rules",
            "use --one-mesh where hosts of several units migrate to each other; else take fewer "
            "hosts, with --ou or --name",
        )


def _refuse_unfaithful(text: str, proposal: InventoryProposal) -> None:
    """The file must say exactly what was proposed, whatever names the directory holds.

    Names in a directory are strangers' words: a container called ``off`` means something else in
    YAML. So the text is read once more by the inventory's own reader.
    """
    try:
        reread = reader.parse(text.encode(), "the inventory")
    except InventoryError as exc:
        raise DelegationError(
            "internal error: the inventory that was made is not valid; nothing was written",
            "this is a bug in delegation: please report it",
            [str(problem) for problem in exc.problems[:5]],
        ) from exc
    if reread._replace(digest=proposal.inventory.digest) != proposal.inventory:
        raise DelegationError(
            "internal error: the inventory that was made says something else than was found; "
            "nothing was written",
            "this is a bug in delegation: please report it",
        )
