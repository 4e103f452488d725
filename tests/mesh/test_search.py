"""An inventory is proposed from Python: no command line, surroundings that are made up."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from typing import cast

import pytest

from delegation.errors import ConnectionFailed, DelegationError, UsageError
from delegation.inventory import Auth, DirectorySettings
from delegation.inventory.reader import parse
from delegation.mesh.discovery import DiscoveryRequest, discover
from delegation.mesh.seams import Inspector
from delegation.mesh.snapshot import Computer
from tests.builders import DOMAIN, MemoryDirectory
from tests.mesh.test_discovery import complete


@dataclass
class MadeUp:
    """Implements discovery.Surroundings; ``asked`` are the domains whose directory was opened."""

    accounts: Sequence[Computer] = ()
    guesses: Sequence[tuple[str, str]] = ()
    exported: Sequence[str] = ()
    is_down: bool = False
    asked: list[str] = field(default_factory=list)

    @contextmanager
    def reading(self, settings: DirectorySettings, domain: str) -> Iterator[Inspector]:  # noqa: ARG002
        self.asked.append(domain)
        if self.is_down:
            raise ConnectionFailed("nobody is there")
        yield cast("Inspector", MemoryDirectory(self.accounts))  # who may write is never asked

    def domains_of_export(self, file: str) -> Sequence[str]:  # noqa: ARG002
        return self.exported

    def guessed_domains(self, url: str) -> Iterator[tuple[str, str]]:  # noqa: ARG002
        yield from self.guesses

    def from_inventory(self, path: str) -> str:
        return f"../{path}"

    def today(self) -> date:
        return date(2026, 11, 24)


def request(**settings: object) -> DiscoveryRequest:
    return DiscoveryRequest(DirectorySettings(**settings), DOMAIN)  # type: ignore[arg-type]


def test_the_text_says_what_is_proposed_with_the_paths_of_its_folder() -> None:
    around = MadeUp(complete("hv01", "hv02"))
    found = discover(around, request(url="ldif:x.ldf", ca_file="ca.pem"))
    read = parse(found.text.encode(), "inventory.yaml")
    assert set(read.hosts) == {"hv01", "hv02"}
    assert read.directory == DirectorySettings(url="ldif:../x.ldf", ca_file="../ca.pem")
    assert found.proposal.title.startswith("2 hosts of corp.example on ")
    assert found.proposal.first_plan == "nothing to do"


def test_what_is_wrong_is_told_at_once_and_before_anybody_is_asked() -> None:
    around = MadeUp()
    wrong = DiscoveryRequest(
        DirectorySettings(dns_servers=("dns1",), auth=Auth.SIMPLE), DOMAIN, ("x",), " "
    )
    with pytest.raises(UsageError) as caught:
        discover(around, wrong)
    assert len(caught.value.details) == 4
    assert caught.value.details[0].startswith("--name is empty")
    assert around.asked == []


def test_the_first_guess_that_may_be_a_domain_is_the_only_one() -> None:
    guesses = [("", "the server's name"), ("10.0.0.1", "an address"), ("Lab.Example", "here")]
    around = MadeUp(guesses=[*guesses, ("corp.example", "elsewhere")], is_down=True)
    with pytest.raises(ConnectionFailed) as caught:
        discover(around, DiscoveryRequest(DirectorySettings()))
    assert around.asked == ["lab.example"]
    assert caught.value.details == ("the domain was taken from here: if it is another, --domain",)


def test_without_a_guess_the_domain_has_to_be_named() -> None:
    with pytest.raises(UsageError, match="in no domain"):
        discover(MadeUp(), DiscoveryRequest(DirectorySettings()))


def test_an_export_tells_its_domain_unless_it_holds_several() -> None:
    around = MadeUp(complete("hv01", "hv02"), exported=[DOMAIN])
    wanted = DiscoveryRequest(DirectorySettings(url="ldif:x.ldf"))
    assert discover(around, wanted).proposal.inventory.domain == DOMAIN
    around.exported = [DOMAIN, "lab.example"]
    with pytest.raises(UsageError, match=r"x.ldf has objects of 2 domains"):
        discover(around, wanted)


def test_a_single_host_is_no_mesh() -> None:
    with pytest.raises(DelegationError, match="no two of the hosts") as caught:
        discover(MadeUp(complete("hv01")), request())
    assert caught.value.details == ("1 host without any delegation, not proposed: hv01",)
