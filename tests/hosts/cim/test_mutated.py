"""Each request of the product, with one thing in it wrong: the lab refuses it. No list by hand.

What a lab lets pass proves nothing. Requests are taken as the product sends them, and at the very
moment: the host is then as the request expects it, and no mutant may change it.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from delegation.hosts import settings
from delegation.hosts.cim import cim_jobs, wql
from delegation.hosts.cim.cim_classes import COMPUTER_SYSTEM, CONCRETE_JOB
from delegation.hosts.cim.cim_reference import Reference
from delegation.hosts.probe import probe_questions
from delegation.hosts.probe.probe_facts import Probed
from tests.hosts.cim.desk_host import DeskHost
from tests.hosts.cim.test_cim_host import CHANGES, change
from tests.lab.hosts.desk import FIRST
from tests.lab.mutants import mutants
from tests.lab.test_cim_mutants import refused

NOT_THERE = re.compile(rb"NoSuch|nosuch|00000000-0000")
"""A probe asks for what is not there, to see how that is refused: it is wrong by itself."""


class Mutating:
    """What was asked of a host, by its query or method, and how many mutants of it were refused."""

    def __init__(self, at: DeskHost) -> None:
        self.at = at
        self.mutants: dict[str, int] = {}
        at.before = self.hold

    def hold(self, message: bytes) -> None:
        name = self.name_of(message)
        if name in self.mutants or NOT_THERE.search(message) or b"/Pull<" in message:
            return
        store, accepted, count = self.at.desk.store, [], 0
        before = store.read()
        for label, wrong in mutants(message):
            count += 1
            if not refused(self.at.desk.send(wrong)):
                accepted.append(label)
        assert (name, accepted) == (name, [])
        assert store.read() == before
        self.mutants[name] = count

    @staticmethod
    def name_of(message: bytes) -> str:
        text = message.decode()
        query = re.search("<wsman:Filter[^>]*>([^<]*)", text)
        mode = re.search("EnumerationMode>([^<]*)", text)
        action = text.partition(":Action ")[2].partition("<")[0].rpartition("/")[2]
        asked_of = text.partition("ResourceURI")[2].partition("<")[0].rpartition("/")[2]
        words = query[1] if query else f"{asked_of}.{action}"
        return f"{words} {mode[1] if mode else ''}".strip()


@pytest.fixture
def at(tmp_path: Path) -> DeskHost:
    at = DeskHost(tmp_path)
    at.set(networks={"10.30.0.0/16": 5}, clustered=True)
    return at


def _read(at: DeskHost) -> None:
    host = at.open()
    host.read()
    host.addresses()
    host.measured(host.machines())


def _set(at: DeskHost) -> None:
    host = at.open()
    for name, old, new in CHANGES:
        change(host, name, old, new)


def _probe(at: DeskHost) -> None:
    probe_questions.answers(Probed(at.connect(), "HV01"))


def _ask(at: DeskHost) -> None:
    """Forms of a request that are in use, each by itself."""
    cim = at.connect()
    job = at.desk.vmms.jobs.done("vmadmin")
    assert cim.references(wql.every(COMPUTER_SYSTEM))
    keys = {"CreationClassName": "Msvm_ComputerSystem", "Name": FIRST.upper()}
    assert cim.get(COMPUTER_SYSTEM, Reference.to(COMPUTER_SYSTEM, **keys))
    reference = Reference.to(CONCRETE_JOB, InstanceID=job.id)
    found = cim_jobs.followed(cim, reference, 1)
    assert found.has_succeeded
    assert cim_jobs.read_job_errors(cim, found) == ()
    assert cim_jobs.read_migration_jobs(cim, FIRST) == ()


@pytest.mark.parametrize(
    ("act", "least"),
    [(_read, 14), (_set, 6), (_probe, 14), (_ask, 5)],
    ids=["read", "set", "probe", "ask"],
)
def test_one_thing_wrong_is_refused_and_changes_nothing(
    at: DeskHost, act: Callable[[DeskHost], None], least: int
) -> None:
    mutating = Mutating(at)
    act(at)
    assert len(mutating.mutants) >= least, mutating.mutants.keys()
    assert min(mutating.mutants.values()) >= 3, mutating.mutants


def test_both_kinds_of_changes_are_among_them(at: DeskHost) -> None:
    mutating = Mutating(at)
    _set(at)
    methods = {f"{one}NetworkSettings" for one in ("Modify", "Add", "Remove")}
    asked = {name.rpartition(".")[2] for name in mutating.mutants}
    assert methods | {"ModifyServiceSettings"} <= asked
    assert settings.ANY_NETWORK in {name for name, _, _ in CHANGES}
