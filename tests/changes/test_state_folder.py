"""Whose a state folder is: owners, links and modes, real ones; as root, for who else owns any."""

import os
import sys
from pathlib import Path

import pytest

from delegation.changes import state_folder, store
from delegation.changes.records import Records
from delegation.changes.state_folder import distrusted, distrusted_journal
from delegation.errors import JournalError
from delegation.events import Event, Silence
from delegation.wiring import KINDS
from tests.nobody import NOBODY, nobodys_folder

pytestmark = [
    pytest.mark.skipif(sys.platform == "win32", reason="owners and links are POSIX's here"),
    pytest.mark.skipif(
        sys.platform != "win32" and os.geteuid() != 0, reason="only root gives files to others"
    ),
]


@pytest.fixture
def state(tmp_path: Path) -> Path:
    """With a journal in it."""
    folder = tmp_path / "state"
    store.open_writable(folder).close()
    return folder


def refused(folder: Path, why: str) -> None:
    """Both by whoever writes and by whoever wants to be alone with it."""
    with pytest.raises(JournalError, match=why) as caught:
        store.open_writable(folder)
    assert caught.value.fix
    with pytest.raises(JournalError, match=why), store.lock(folder):
        pass


def test_our_own_is_trusted(state: Path) -> None:
    assert distrusted_journal(state) is None


def test_where_nothing_is_there_is_nobody_to_distrust(tmp_path: Path) -> None:
    assert distrusted_journal(tmp_path / "nowhere") is None


def test_a_folder_of_somebody_else_is_refused(state: Path) -> None:
    os.chown(state, NOBODY, NOBODY)
    refused(state, f"another account .uid {NOBODY}")


def test_a_journal_of_somebody_else_is_refused(state: Path) -> None:
    os.chown(state / "journal.sqlite", NOBODY, NOBODY)
    with pytest.raises(JournalError, match=f"uid {NOBODY}"):
        store.open_writable(state)


def test_a_lock_of_somebody_else_is_refused(state: Path) -> None:
    """They could hold it for ever."""
    with store.lock(state):
        pass
    os.chown(state / "lock", NOBODY, NOBODY)
    with pytest.raises(JournalError, match=f"uid {NOBODY}"), store.lock(state):
        pass


@pytest.mark.parametrize("way", ["link", "above/state", "link/../link", "two"])
def test_a_link_of_somebody_else_is_refused_wherever_it_is_on_the_way(
    tmp_path: Path, state: Path, way: str
) -> None:
    (tmp_path / "link").symlink_to("state")
    (tmp_path / "above").symlink_to(tmp_path)
    (tmp_path / "two").symlink_to(tmp_path / "above" / "state")
    for name in ("link", "above"):
        os.chown(tmp_path / name, NOBODY, NOBODY, follow_symlinks=False)
    refused(tmp_path / way, "is a link that belongs to another account")


def test_a_link_in_place_of_the_journal_is_refused(tmp_path: Path, state: Path) -> None:
    (state / "journal.sqlite").rename(tmp_path / "real.sqlite")
    (state / "journal.sqlite").symlink_to(tmp_path / "real.sqlite")
    os.chown(state / "journal.sqlite", NOBODY, NOBODY, follow_symlinks=False)
    with pytest.raises(JournalError, match="is a link"):
        store.open_writable(state)


def test_roots_links_and_our_own_are_followed(tmp_path: Path, state: Path) -> None:
    """As /var/lib/NAME leads to /var/lib/private/NAME."""
    (tmp_path / "link").symlink_to("state")
    store.open_writable(tmp_path / "link").close()


def test_what_is_roots_is_trusted_by_everybody() -> None:
    with nobodys_folder() as folder:
        store.open_writable(folder / "own").close()
        os.setresuid(0, 0, 0)
        (folder / "link").symlink_to("own")
        (folder / "roots").mkdir(mode=0o755)
        os.setresuid(NOBODY, NOBODY, 0)
        store.open_writable(folder / "link").close()
        assert distrusted(folder / "roots") is None


def test_links_that_lead_in_a_circle_are_an_error(tmp_path: Path) -> None:
    (tmp_path / "one").symlink_to("two")
    (tmp_path / "two").symlink_to("one")
    with pytest.raises(JournalError):
        store.open_writable(tmp_path / "one")


class Heard(Silence):
    def __init__(self) -> None:
        self.words: list[str] = []

    def say(self, event: Event) -> None:
        self.words += event.words()


@pytest.fixture
def theirs(state: Path) -> Path:
    os.chown(state / "journal.sqlite", NOBODY, NOBODY)
    return state


def test_what_only_reads_says_so_once_and_reads(theirs: Path) -> None:
    heard = Heard()
    records = Records(theirs, KINDS, heard)
    for _ in range(2):
        with records.reading() as journal:
            assert journal.runs() == []
    [line] = heard.words
    assert f"uid {NOBODY}" in line


def test_what_goes_by_it_is_refused(theirs: Path) -> None:
    records = Records(theirs, KINDS)
    for opened in (records.trusting(), records.recording(), records.migrating(), records.adding()):
        with pytest.raises(JournalError, match=f"uid {NOBODY}"), opened:
            pass


def test_what_is_handed_over_is_in_that_very_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A unit has that variable whatever file it names."""
    handed = tmp_path / "credentials"
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(handed))
    assert state_folder.is_handed_over(handed / "password")
    assert not state_folder.is_handed_over(tmp_path / "password")
    assert not state_folder.is_handed_over(handed / "below" / "password")
    monkeypatch.delenv("CREDENTIALS_DIRECTORY")
    assert not state_folder.is_handed_over(handed / "password")
