"""Every command gives what it gave when it was recorded: see ``python -m tests.recordings``."""

import os

import pytest

from tests.cli.commands import EVERY
from tests.lab.hosts import HostLab
from tests.recordings import lab, recording
from tests.recordings.desk import told
from tests.story.workstation import Workstation


@pytest.mark.parametrize("name", recording.STORIES)
def test_it_gives_what_was_recorded(name: str) -> None:
    hold(name, told(recording.STORIES[name]))


@pytest.mark.lab
@pytest.mark.parametrize("name", lab.DIRECTORY)
def test_on_a_domain_controller(name: str, desk: Workstation) -> None:
    hold(name, lab.told(lab.DIRECTORY[name], desk))


@pytest.mark.lab
@pytest.mark.one_wording("what is recorded is in English")
def test_on_hosts(desk: Workstation, hosts: HostLab) -> None:
    hold(lab.ON_HOSTS, lab.on_hosts(desk, hosts))


def test_every_recording_is_a_storys() -> None:
    files = {path.stem for path in recording.FOLDER.iterdir()}
    assert files == {*recording.STORIES, *lab.NAMES}


def test_every_command_is_recorded() -> None:
    recorded = "".join(p.read_text(encoding="utf-8") for p in recording.FOLDER.iterdir())
    lines = [line for line in recorded.splitlines() if line.startswith("$ delegation ")]
    assert [name for name in EVERY if f"$ delegation {name} --help" not in lines] == []
    typed = [line for line in lines if not line.endswith("--help")]
    assert [name for name in EVERY if not any(f" {name}" in line for line in typed)] == []


def hold(name: str, given: str) -> None:
    """Fails where it is another than the recording; writes it where that is asked for."""
    if os.environ.get(recording.WRITE):
        recording.write(name, given)
    difference = recording.compared(name, given)
    assert not difference, f"\n{difference}\nmeant so? python -m tests.recordings --write"
