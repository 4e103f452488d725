"""The state folder of an inventory, opened for one step at a time: to look, to add, to change."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, closing, contextmanager, suppress
from pathlib import Path

from delegation.changes import state_folder, store
from delegation.changes.file_rights import Distrust
from delegation.changes.journal import Journal
from delegation.changes.kinds import Kinds
from delegation.errors import DelegationError
from delegation.events import Remark, Silence, Teller, warning


class Records:
    """The journal of one state folder, opened for one step at a time. Raises JournalError, Busy.

    ``teller`` hears where what is only looked at may be somebody else's.
    """

    def __init__(self, folder: Path, kinds: Kinds, teller: Teller | None = None) -> None:
        self.folder = folder
        self._kinds = kinds
        self._teller = teller or Silence()
        self._told = False

    @contextmanager
    def reading(self) -> Iterator[Journal]:
        """To look at only, whoever may have changed it: that is told, once."""
        doubt = None if self._told else self._distrusted()
        if doubt:
            self._told = True
            what = f"{doubt.why}: what is read there may not be what this program wrote"
            self._teller.say(warning(what))
        with closing(Journal.readable(self.folder, self._kinds)) as journal:
            yield journal

    @contextmanager
    def trusting(self) -> Iterator[Journal]:
        """To go by what it says. Raises JournalError where somebody else may have changed it."""
        if doubt := self._distrusted():
            raise state_folder.not_ours(doubt)
        with closing(Journal.readable(self.folder, self._kinds)) as journal:
            yield journal

    def refuse_unused(self) -> None:
        """Raise DelegationError where nothing was ever recorded here: there is nothing to undo.

        It is no proof that nothing was done: whoever comes from another folder, or gives another
        inventory, has another one. No folder is made for a look.
        """
        with self.reading() as journal:
            if any(True for _ in journal.rows("SELECT 1 FROM runs LIMIT 1")):
                return
        raise DelegationError(
            f"there is nothing to undo in {self.folder}: no run was ever recorded there",
            "the state folder is new, or the runs are in another one, as state: in the inventory "
            "says, or beside it: name it with --state, or the inventory with -i",
        )

    @contextmanager
    def recording(self) -> Iterator[Journal]:
        """For the one run that may change anything: an apply or a rollback."""
        with self.alone(store.WRITING), self.adding() as journal:
            yield journal

    @contextmanager
    def migrating(self) -> Iterator[Journal]:
        """For the one run that may migrate."""
        with self.alone(store.MIGRATING), self.adding() as journal:
            yield journal

    def _tell_new(self) -> None:
        """A folder that is made is told: it may have been meant to be another one's name."""
        with suppress(OSError):
            if not self.folder.exists():
                self._teller.say(Remark(f"the state folder {self.folder} is new: made now"))

    @contextmanager
    def adding(self) -> Iterator[Journal]:
        """To add a run, or a request to another's, without keeping anybody out."""
        self._tell_new()
        with closing(Journal.writable(self.folder, self._kinds)) as journal:
            yield journal

    def _distrusted(self) -> Distrust | None:
        with suppress(OSError):  # told by whoever opens it
            return state_folder.distrusted_journal(self.folder)
        return None

    def alone(self, doing: str) -> AbstractContextManager[None]:
        """The only one who is ``doing`` this (store.AUDITING and the like)."""
        self._tell_new()
        return store.lock(self.folder, doing)
