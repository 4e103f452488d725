"""A mesh that lives at random: applies that die anywhere, colleagues, rollbacks, lost journals.

What is true is kept beside what the journal says: which run made which change, and what each object
would hold if no run of ours had ever been. The use cases are the shipped ones; the directory, the
kills and the full disks are here.
"""

import random
import sqlite3
import sys
import tempfile
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any
from uuid import UUID

from delegation.changes import history, store
from delegation.changes.doubt import doubt_of
from delegation.changes.journal import Journal
from delegation.changes.outcomes import Outcome, Result
from delegation.changes.records import Records
from delegation.changes.run import Run
from delegation.changes.settlement import Said
from delegation.changes.verbs import Carried
from delegation.errors import ConnectionFailed, DelegationError, Interrupted, Refused
from delegation.events import Silence
from delegation.inventory import Foreign, Inventory, Policy, Unconstrained
from delegation.mesh.mesh_verbs import apply_mesh, roll_back_mesh, settle_mesh
from delegation.mesh.snapshot import Computer, Directory
from delegation.mesh.state import (
    APPLY,
    DELEGATION,
    FLAGS,
    Delegation,
    DelegationChange,
    DelegationOutcome,
    DelegationPlan,
)
from delegation.names import MIGRATION
from delegation.wiring import KINDS
from tests.builders import (
    DISABLED,
    ENABLED,
    EVERY_OVERRIDE,
    TODAY,
    TRANSITION,
    UNCONSTRAINED,
    MemoryDirectory,
    computer,
    domain_controller,
    forms,
    host,
    inventory,
    one_way,
    two_way,
)

LABELS = ("hv01", "hv02", "hv03", "hv04", "hv05")
FOREIGN = ("HTTP/portal", "MSSQLSvc/db1:1433", "cifs/isos", "CIFS/HV99")
OURS = tuple(value for label in LABELS for value in forms(label))


class Killed(BaseException):
    """The process is gone; nothing runs after it but what closes files."""


class Fate:
    """When something goes wrong, and what."""

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng
        self.spare()

    def spare(self) -> None:
        self.left: int | None = None
        self.how = ""
        self.is_dead = False
        self.is_full = False

    def doom(self, how: str, left: int) -> None:
        self.spare()
        self.how, self.left = how, left

    def tick(self, *, in_directory: bool = False, in_write: bool = False) -> None:
        if self.is_dead:
            raise Killed
        if self.left is None or (self.how == "kill in a write" and not in_write):
            return
        self.left -= 1
        if self.left >= 0:
            return
        if self.how.startswith("kill"):
            self.is_dead = True
            raise Killed
        if self.how == "ctrl-c" and in_directory:
            self.left = None
            raise KeyboardInterrupt
        if self.how == "full":
            self.is_full = True

    def disconnects(self) -> bool:
        if self.how == "lost" and self.left is not None:
            self.left -= 1
            return self.left < 0
        return False


class Mortal:
    """A connection to a journal that may die, or fill its disk, at each statement."""

    def __init__(self, db: sqlite3.Connection, fate: Fate, committed: Any) -> None:
        self._db, self._fate, self._committed = db, fate, committed

    @property
    def in_transaction(self) -> bool:
        return self._db.in_transaction

    def close(self) -> None:
        self._db.close()

    def cursor(self) -> sqlite3.Cursor:
        self._fate.tick()
        return self._db.cursor()

    def execute(self, statement: str, *parameters: Any) -> sqlite3.Cursor:
        return self._do(statement, self._db.execute, *parameters)

    def executemany(self, statement: str, rows: Any) -> sqlite3.Cursor:
        return self._do(statement, self._db.executemany, rows)

    def _do(
        self, statement: str, run: Callable[..., sqlite3.Cursor], *parameters: Any
    ) -> sqlite3.Cursor:
        self._fate.tick()
        if self._fate.is_full and not statement.startswith(("SELECT", "BEGIN", "ROLLBACK")):
            full = sqlite3.OperationalError("database or disk is full")
            full.sqlite_errorcode = sqlite3.SQLITE_FULL
            raise full
        done = run(statement, *parameters)
        if statement == "COMMIT":
            self._committed()
        self._fate.tick()
        return done


class MortalRecords(Records):
    def __init__(self, folder: Path, life: "Life") -> None:
        super().__init__(folder, KINDS)
        self._life = life

    @contextmanager
    def adding(self) -> Iterator[Journal]:
        db = Mortal(store.open_writable(self.folder), self._life.fate, self._life.committed)
        with closing(Journal(self.folder, db, KINDS)) as journal:  # type: ignore[arg-type]
            yield journal


class WitnessedDirectory(MemoryDirectory):
    """A domain controller that tells the life what was really made, and that may be lost."""

    def __init__(self, accounts: Collection[Computer], life: "Life") -> None:
        super().__init__(accounts)
        self._life = life
        self.bin: dict[UUID, Computer] = {}

    def read(self, guids: Collection[UUID]) -> Mapping[UUID, Computer]:
        self._life.fate.tick(in_directory=True)
        if self._life.fate.disconnects():
            raise ConnectionFailed("the connection broke")
        return super().read(guids)

    def write(self, changes: Any) -> Iterator[DelegationOutcome]:
        changes = list(changes)
        for index, change in enumerate(changes):
            if self._life.rng.random() < 0.2:
                self._life.meanwhile()
            if self._life.fate.disconnects():
                if self._life.rng.random() < 0.5:
                    self.modify(change)
                yield Outcome(change, Result.UNKNOWN, "no answer", stops=True)
                for other in changes[index + 1 :]:
                    yield Outcome(other, Result.FAILED, "not tried", stops=True)
                return
            self._life.fate.tick(in_directory=True, in_write=True)
            outcome = self.modify(change)
            self._life.fate.tick(in_directory=True, in_write=True)
            yield outcome

    def modify(self, change: DelegationChange) -> DelegationOutcome:
        outcome = super().modify(change)
        if outcome.result is Result.APPLIED:
            self._life.made(change)
        return outcome


@dataclass
class Truth:
    """A run as it really went; ``reverses`` is another one's id."""

    undo_id: str
    number: int
    reverses: str | None
    made: dict[UUID, DelegationChange] = field(default_factory=dict)
    planned: dict[UUID, DelegationChange] = field(default_factory=dict)


class Life:
    """Implements mesh_changes.WriteWorld and mesh_undo.UndoWorld."""

    directory_meant = "corp.example"
    recorded_as = "corp.example"
    inventory_path = "/srv/inventory.yaml"
    elsewhere = None
    domain = "corp.example"

    def __init__(self, folder: Path, seed: int, *, loses_journals: bool = False) -> None:
        self.rng = random.Random(seed)
        self.seed = seed
        self.loses_journals = loses_journals
        self.fate = Fate(self.rng)
        self.teller = Silence()
        self.records = MortalRecords(folder, self)
        self.folder = folder
        self.log: list[str] = []
        self.colleagues = 0
        self.imitated: set[UUID] = set()
        self.is_dying = False
        self.has_lost = False
        self.copies: list[bytes] = []
        self.truths: dict[str, Truth] = {}
        self.current: Truth | None = None
        self.inventory = self._inventory()
        accounts = [domain_controller(), *(self._account(label) for label in LABELS)]
        self.dc = WitnessedDirectory(accounts, self)
        self.initial = dict(self.dc.accounts)
        self.shadow = {guid: _parts(Delegation.of(it)) for guid, it in self.dc.accounts.items()}
        self.known: dict[tuple[str, UUID], Result | None] = {}
        self.found_done: set[tuple[int, UUID]] = set()

    def _account(self, label: str) -> Computer:
        values = self.rng.sample((*FOREIGN, *OURS), self.rng.choice((0, 0, 1, 3)))
        uac = ENABLED | sum(
            self.rng.sample((TRANSITION, UNCONSTRAINED, DISABLED), self.rng.choice((0, 0, 1)))
        )
        return computer(label, *values, uac=uac, spns=(f"HOST/{label}", f"{MIGRATION}/{label}"))

    def _inventory(self) -> Inventory:
        rng = self.rng
        some = sorted(rng.sample(LABELS, rng.choice((2, 3, 5))))
        hosts = [host(label, transition=rng.choice((True, True, None, False))) for label in some]
        mesh = two_way("all", *some) if rng.random() < 0.8 else one_way("way", some[:1], some[1:])
        policy = Policy(
            rng.choice((Foreign.REPORT, Foreign.REMOVE)),
            rng.choice((Unconstrained.REPORT, Unconstrained.CLEAR)),
            100.0,
        )
        if mesh.name == "way" and len(some) < 2:
            mesh = two_way("all", *some)
        return inventory(*hosts, meshes=[mesh], policy=policy)

    # What the use cases need

    def today(self) -> date:
        return TODAY

    @contextmanager
    def reading(self) -> Iterator[Any]:
        yield self.dc

    @contextmanager
    def writing(self, prefer: Collection[str] = ()) -> Iterator[Any]:  # noqa: ARG002
        yield self.dc

    @contextmanager
    def writing_back(self, run: Run) -> Iterator[Any]:  # noqa: ARG002
        if self.rng.random() < 0.03:
            raise ConnectionFailed("gone")
        yield self.dc

    def connection_record(self, directory: Directory) -> Mapping[str, Any]:
        return {"url": directory.url}

    def connection_record_of(self, run: Run, directory: Directory) -> Mapping[str, Any]:  # noqa: ARG002
        return {"url": directory.url}

    def migrating(self, journal: Journal) -> Mapping[str, int]:  # noqa: ARG002 - none ever
        return {}

    def write_undo_file(self, run: Run, plan: DelegationPlan) -> None:
        assert run.undo_id
        reverses = None
        if run.reverses:
            with self.records.reading() as journal:
                reverses = journal.run(run.reverses).undo_id
        self.current = Truth(run.undo_id, run.id, reverses)
        self.current.planned = {change.target.guid: change for change in plan.changes}
        self.truths[run.undo_id] = self.current

    # What is true

    def committed(self) -> None:
        """What is on record now is as true as it is before the next write."""
        if self.loses_journals:
            self.copies.append((self.folder / "journal.sqlite").read_bytes())
            del self.copies[:-40]
        if not self.has_lost:
            self.check_done()
            self.check_record()

    def check_done(self) -> None:
        """What a rollback calls done is so in that moment."""
        with self.records.reading() as journal:
            for run in journal.runs():
                for change in journal.as_before(run.id, DELEGATION) if run.reverses else ():
                    guid = change.target.guid
                    if (run.id, guid) in self.found_done:
                        continue
                    self.found_done.add((run.id, guid))
                    now = Delegation.of(self.dc.accounts[guid])
                    assert change.parts_made(now) == change.parts, f"{run.id} {guid} is not done"
                    self.say(f"  run {run.id} finds done {change.target.name}: {change.parts}")

    def made(self, change: DelegationChange) -> None:
        guid = change.target.guid
        truth = self.current
        assert truth, "a write before its undo file"
        if truth.reverses:
            # what is taken back was made by the very run
            if self.has_lost:
                self.check_record()
            left = self.effect(truth.reverses).get(guid, {})
            for part, present in sorted(_delta(change).items()):
                assert left.get(part) is (not present), (
                    f"{part} of {change.target.name} is not that run's"
                )
        truth.made[guid] = change
        parts = ["-+"[present] + part for part, present in sorted(_delta(change).items())]
        self.say(f"  run {truth.number} writes {change.target.name}: {' '.join(parts)}")

    def effect(self, undo_id: str) -> dict[UUID, dict[str, bool]]:
        """What a run made that none of its rollbacks took back, really, or found done."""
        left = self._without(undo_id, self.taken_back)
        for guid, part in self.done_of(undo_id):
            left.get(guid, {}).pop(part, None)
        return left

    def taken_back(self, undo_id: str) -> dict[UUID, dict[str, bool]]:
        """What a rollback made that was not done again by us.

        What was found done of it was done by somebody else: that brings nothing of ours back.
        """
        return self._without(undo_id, self.effect)

    def _without(
        self, undo_id: str, of_rollback: Callable[[str], dict[UUID, dict[str, bool]]]
    ) -> dict[UUID, dict[str, bool]]:
        truth = self.truths[undo_id]
        left = {guid: dict(_delta(change)) for guid, change in truth.made.items()}
        for other in self.truths.values():
            if other.reverses == undo_id:
                for guid, parts in of_rollback(other.undo_id).items():
                    for part in parts:
                        left.get(guid, {}).pop(part, None)
        return left

    def done_of(self, undo_id: str) -> Iterator[tuple[UUID, str]]:
        """What rollbacks of a run found undone, and so is nobody's of ours any more."""
        with self.records.reading() as journal:
            for run in journal.runs():
                if run.undo_id != undo_id:
                    continue
                for rollback in journal.rollbacks_of(run.id):
                    for change in journal.as_before(rollback, DELEGATION):
                        yield from ((change.target.guid, part) for part in change.parts)

    def superseded(self, number: int, guid: UUID, part: str, *, present: bool) -> bool:
        """Whether a later run in effect has made it otherwise."""
        return any(
            truth.number > number
            and self.effect(truth.undo_id).get(guid, {}).get(part) is (not present)
            for truth in self.truths.values()
        )

    def is_restoring(self, guid: UUID, part: str, *, present: bool) -> bool:
        """Whether a colleague only puts back what a run in effect has left so."""
        return any(
            self.effect(truth.undo_id).get(guid, {}).get(part) is present
            for truth in self.truths.values()
            if truth.reverses not in self.truths
        )

    # What colleagues do

    def by_hand(self, guid: UUID, part: str, *, present: bool, why: str = "colleague") -> None:
        account = self.dc.accounts[guid]
        now = _parts(Delegation.of(account))
        if (part.casefold() in now) is present:
            return
        self.colleagues += 1
        self.say(f"{why}: {account.name} {'+' if present else '-'}{part}")
        if part in FLAGS:
            bit = FLAGS[part]
            uac = account.uac | bit if present else account.uac & ~bit
            self.dc.put(account._replace(uac=uac))
        else:
            values = [v for v in account.values if v.casefold() != part.casefold()]
            if present:
                values.append(part)
            self.dc.put(account._replace(values=tuple(values)))
        if self.is_restoring(guid, part.casefold(), present=present):
            return
        shadow = self.shadow[guid]
        if present:
            shadow[part.casefold()] = part
        else:
            shadow.pop(part.casefold(), None)

    def meanwhile(self) -> None:  # noqa: C901 - a table of what people do
        """One thing that a colleague does."""
        guids = [guid for guid, it in self.dc.accounts.items() if it.name != "dc1"]
        if not guids:
            return
        guid = self.rng.choice(guids)
        account = self.dc.accounts[guid]
        values = list(account.values)
        does = self.rng.choices(
            ("takes some", "gives", "gives ours", "flips", "disables", "moves", "takes most"),
            weights=(45, 15, 15, 10, 5, 5, 5),
        )
        match does:
            case ["takes some"] if values:
                for value in self.rng.sample(values, self.rng.randint(1, min(3, len(values)))):
                    self.by_hand(guid, value, present=False)
            case ["gives"]:
                self.by_hand(guid, self.rng.choice(FOREIGN), present=True)
            case ["gives ours"]:
                self.by_hand(guid, self.rng.choice(OURS), present=True)
            case ["flips"]:
                self.by_hand(guid, self.rng.choice(list(FLAGS)), present=self.rng.random() < 0.5)
            case ["disables"]:
                self.dc.put(account._replace(uac=account.uac ^ DISABLED))
            case ["moves"]:
                dn = f"CN={self.rng.choice('xyz')}{guid},OU=Moved,DC=corp,DC=example"
                self.dc.put(account._replace(dn=dn))
            case ["takes most"]:
                for value in values:
                    if self.rng.random() < 0.7:
                        self.by_hand(guid, value, present=False)

    def deletes(self, guid: UUID | None = None) -> None:
        guids = [guid for guid, it in self.dc.accounts.items() if it.name != "dc1"]
        if guids:
            account = self.dc.accounts.pop(guid or self.rng.choice(guids))
            self.dc.bin[account.guid] = account
            self.say(f"deleted {account.name} {account.guid}")

    def makes_anew(self) -> None:
        names = {it.name for it in self.dc.accounts.values()}
        gone = [it for it in self.dc.bin.values() if it.name not in names]
        if gone:
            old = self.rng.choice(gone)
            anew = self._account(old.name)._replace(
                guid=UUID(int=self.rng.getrandbits(128), version=4)
            )
            self.dc.put(anew)
            self.shadow[anew.guid] = _parts(Delegation.of(anew))
            self.initial[anew.guid] = anew
            self.say(f"made anew {anew.name} {anew.guid} {anew.values}")

    def restores(self, guid: UUID | None = None) -> None:
        names = {it.name for it in self.dc.accounts.values()}
        found = [it for it in self.dc.bin if self.dc.bin[it].name not in names]
        if guid is None and not found:
            return
        guid = guid or self.rng.choice(found)
        self.dc.accounts[guid] = self.dc.bin.pop(guid)
        self.say(f"restored {self.dc.accounts[guid].name} {guid}")

    # What our people do

    def say(self, line: str) -> None:
        self.log.append(line)

    def tries(self, what: str, do: Any) -> Any:
        """What the verb came to; None where it ended with a declared error."""
        self.current = None
        try:
            done = do()
        except Killed:
            self.say(f"{what}: KILLED")
            return None
        except Interrupted:
            self.say(f"{what}: interrupted")
            return None
        except KeyboardInterrupt:
            self.say(f"{what}: ctrl-c")
            return None
        except DelegationError as exc:
            self.say(f"{what}: {type(exc).__name__}: {exc.what} {list(exc.details)}")
            return exc
        finally:
            self.fate.spare()
        undone = getattr(getattr(done, "undone", None), "id", "")
        self.say(f"{what}: ended {getattr(done, 'complete', '')} {undone}")
        return done

    def dooms(self) -> None:
        if self.is_dying:
            self.fate.doom("kill in a write", self.rng.randrange(10))
            return
        dice = self.rng.random()
        if dice < 0.4:
            self.fate.doom("kill", self.rng.randrange(70))
        elif dice < 0.45:
            self.fate.doom("ctrl-c", self.rng.randrange(40))
        elif dice < 0.52:
            self.fate.doom("full", self.rng.randrange(60))
        elif dice < 0.62:
            self.fate.doom("lost", self.rng.randrange(9))

    def disaster(self) -> None:
        """A run dies among its writes, and then somebody changes what it wrote."""
        verb = self.rng.choice((self.applies, self.applies, lambda: self.rolls_back(None)))
        self.inventory = self._inventory()
        self.is_dying = True
        verb()
        self.is_dying = False
        if self.current is None:
            return
        for guid, change in self.current.planned.items():
            parts = sorted(_delta(change).items())
            dice = self.rng.random()
            if guid not in self.dc.accounts or dice < 0.3:
                continue
            if dice < 0.4:
                self.deletes(guid)
                continue
            for part, _present in self.rng.sample(parts, self.rng.randint(1, min(3, len(parts)))):
                self.by_hand(guid, part, present=self.rng.random() < 0.2, why="colleague of it")

    def applies(self) -> None:
        if self.rng.random() < 0.5:
            self.inventory = self._inventory()
        self.dooms()
        confirm = None if self.rng.random() < 0.7 else lambda _: self.rng.random() < 0.9
        colleagues = self.colleagues
        done = self.tries("apply", lambda: apply_mesh(self, confirm, allow=EVERY_OVERRIDE))
        if isinstance(done, Carried) and done.complete and self.colleagues == colleagues:
            again = self.tries("apply again", lambda: apply_mesh(self, None, allow=EVERY_OVERRIDE))
            if isinstance(again, Carried) and self.colleagues == colleagues:
                assert again.report is None, "a second apply finds nothing to do"

    def rolls_back(self, number: int | None, *, doomed: bool = True) -> Any:
        if doomed:
            self.dooms()
        what = f"rollback {number or ''}"
        colleagues = self.colleagues
        done = self.tries(
            what, lambda: roll_back_mesh(self, self.records, None, run=number, allow=EVERY_OVERRIDE)
        )
        if isinstance(done, Carried) and done.complete and self.colleagues == colleagues:
            self.check_complete(done)
        return done

    def check_complete(self, done: Carried[Any]) -> None:
        assert done.undone
        with self.records.reading() as journal:
            doubt = doubt_of(journal, done.undone.id, DELEGATION)
            assert not doubt.changes, f"complete, and in doubt: {doubt.changes}"
        left = {guid: it for guid, it in self.effect(done.undone.undo_id or "").items() if it}
        for guid, parts in left.items():
            assert guid in self.dc.accounts, f"complete, and {guid} is gone"
            now = _parts(Delegation.of(self.dc.accounts[guid]))
            really = {
                part
                for part, present in parts.items()
                if (part in now) is present
                and not self.superseded(done.undone.id, guid, part, present=present)
            }
            assert not really, f"complete, and left: {guid} {really}"

    def settles(self) -> None:
        doubts = self.doubts()
        if not doubts:
            return
        run, change = self.rng.choice(doubts)
        self.dooms()
        self.says(run, change)

    def says(self, run: Run, change: DelegationChange) -> Any:
        is_made = (
            change.target.guid in self.truths[run.undo_id or ""].made
            if run.undo_id in self.truths
            else False
        )
        said = Said.MADE if is_made else Said.NOT_MADE
        return self.tries(
            f"settle {run.id} {change.target.name} {said}",
            lambda: settle_mesh(
                self, self.records, None, run=run.id, hosts=change.target.name, said=said
            ),
        )

    def doubts(self) -> list[tuple[Run, DelegationChange]]:
        found = []
        with self.records.reading() as journal:
            for run in journal.runs():
                if run.kind in DELEGATION.runs:
                    found += [(run, it) for it in doubt_of(journal, run.id, DELEGATION).changes]
        return found

    def reads_history(self) -> None:
        before = self.dc.state(), self._files()
        with self.records.reading() as journal:
            view = history.history(journal, {})
            list(view.remarks())
            view.to_json()
            for run in journal.runs():
                history.run_details(
                    journal,
                    run.id,
                    {},
                    {"delegation": history.became_to_json, "hosts": history.became_to_json},
                ).to_json()
        assert (self.dc.state(), self._files()) == before

    def _files(self) -> dict[str, bytes]:
        return {path.name: path.read_bytes() for path in self.folder.iterdir()}

    def loses_journal(self) -> None:
        """An older copy of the journal is restored."""
        if not self.copies:
            return
        path = self.folder / "journal.sqlite"
        path.write_bytes(self.rng.choice(self.copies))
        self.copies = [path.read_bytes()]
        with self.records.reading() as journal:
            on_record = {run.undo_id for run in journal.runs()}
        lost = [it for undo_id, it in self.truths.items() if undo_id not in on_record]
        self.say(f"the journal is restored; lost {[it.number for it in lost]}")
        for truth in lost:
            del self.truths[truth.undo_id]
        self.has_lost = True

    # One step, and what must hold after each

    def step(self) -> None:
        steps = {
            self.applies: 18,
            self.disaster: 14,
            self.colleagues_work: 23,
            self.deletes: 2,
            self.restores: 8,
            self.makes_anew: 3,
            self.rolls_back_the_newest: 9,
            self.rolls_back_one: 9,
            self.settles: 8,
            self.reads_history: 4,
            self.loses_journal: 4 if self.loses_journals else 0,
        }
        [step] = self.rng.choices(list(steps), weights=list(steps.values()))
        step()
        self.check_record()

    def colleagues_work(self) -> None:
        for _ in range(3):
            self.meanwhile()

    def rolls_back_the_newest(self) -> None:
        self.rolls_back(None)

    def rolls_back_one(self) -> None:
        self.rolls_back(self.some_run())

    def some_run(self) -> int:
        with self.records.reading() as journal:
            numbers = [run.id for run in journal.runs()]
        return self.rng.choice(numbers or [1])

    def check_record(self, only: Truth | None = None) -> None:
        """What the journal calls certain is so."""
        with self.records.reading() as journal:
            for run in journal.runs():
                if only and run.undo_id != only.undo_id:
                    continue
                if run.kind not in DELEGATION.runs:
                    continue
                truth = self.truths.get(run.undo_id or "")
                in_doubt = {it.target.guid for it in doubt_of(journal, run.id, DELEGATION).changes}
                for recorded in journal.changes(run.id, DELEGATION):
                    guid = recorded.change.target.guid
                    if guid in in_doubt:
                        continue
                    is_made = truth is not None and guid in truth.made
                    says_made = recorded.result is Result.APPLIED
                    if is_made == says_made:
                        continue
                    if is_made and truth:
                        self.check_forgotten(run, recorded.change)
                        self.imitated.add(guid)
                        del truth.made[guid]
                    else:
                        self.check_adopted(run, recorded.change, recorded.reason)

    def check_forgotten(self, run: Run, change: DelegationChange) -> None:
        """It was made, and the record says no: then nothing is left of it."""
        left = self.effect(run.undo_id or "").get(change.target.guid, {})
        account = self.dc.accounts.get(change.target.guid)
        assert account, f"{change.target.name} of run {run.id} was made, is gone, and forgotten"
        now = _parts(Delegation.of(account))
        still = {part for part, present in left.items() if (part in now) is present}
        assert self.has_lost or not still, (
            f"{change.target.name} of run {run.id} was made and is forgotten: {still}"
        )

    def check_adopted(self, run: Run, change: DelegationChange, reason: str) -> None:
        """It was not made, and the record says yes."""
        guid = change.target.guid
        assert self.has_lost or reason == "found made", (
            f"{change.target.name} of run {run.id} was not made, and is called made: {reason}"
        )
        # Somebody else has made all of it by hand: nobody can tell that from our write.
        self.imitated.add(guid)
        self.say(f"  adopted {change.target.name} of run {run.id}")
        truth = self.truths[run.undo_id or ""]
        if truth.reverses in self.truths:
            truth.made[guid] = change
            return
        for part, present in _delta(change).items():
            if self.is_restoring(guid, part, present=present):
                continue
            if present:
                self.shadow[guid].pop(part, None)
            else:
                self.shadow[guid][part] = part
        truth.made[guid] = change

    # The end: everything is told, and everything is taken back

    def ends(self) -> None:
        for guid in list(self.dc.bin):
            self.restores(guid)
        self.say("--- the end")
        for _ in range(4):
            self.rolls_back(None, doomed=False)
            self.check_record()
            for run, change in self.doubts():
                done = self.says(run, change)
                assert isinstance(done, DelegationError) is False or isinstance(
                    done, (Refused, ConnectionFailed)
                ), done
                self.check_record()
        assert not self.doubts(), self.doubts()
        for number in self.applies_on_record():
            self.takes_back(number)
            self.check_record()
        if self.has_lost:
            return
        for guid, account in self.dc.accounts.items():
            if guid in self.imitated:
                continue
            now = _parts(Delegation.of(account))
            assert now.keys() == self.shadow[guid].keys(), (
                f"{account.name} {guid}: {sorted(now)} is not {sorted(self.shadow[guid])}"
            )

    def applies_on_record(self) -> list[int]:
        with self.records.reading() as journal:
            return [run.id for run in reversed(journal.runs()) if run.kind == APPLY]

    def takes_back(self, number: int) -> None:
        refused: Refused | None = None
        for _ in range(12):
            with self.records.reading() as journal:
                left = journal.in_effect(number, DELEGATION)
            if not left:
                return
            done = self.rolls_back(number, doomed=False)
            if isinstance(done, Carried) and done.complete:
                return
            if isinstance(done, Refused):
                refused = done
                for change in left:
                    for part, present in _delta(change).items():
                        self.by_hand(
                            change.target.guid, part, present=present, why="restored by hand"
                        )
        # A later rollback of an older run has written the same again, and stays: see rewrites.
        assert refused, f"run {number} is not taken back"
        assert all("by run" in str(line) for line in refused.details), refused.details
        self.tries(
            f"rollback {number} --skip-conflicts",
            lambda: roll_back_mesh(
                self, self.records, None, run=number, skip_conflicts=True, allow=EVERY_OVERRIDE
            ),
        )
        self.imitated |= {change.target.guid for change in left}


def _parts(state: Delegation) -> dict[str, str]:
    """Values and flags that are set, casefolded, with their spelling."""
    parts = {value.casefold(): value for value in state.values}
    parts |= {name: name for name, bit in FLAGS.items() if state.uac & bit}
    return parts


def _delta(change: DelegationChange) -> dict[str, bool]:
    """Part by part whether the change makes it present."""
    before, after = _parts(change.before), _parts(change.after)
    delta = dict.fromkeys(after.keys() - before.keys(), True)
    delta |= dict.fromkeys(before.keys() - after.keys(), False)
    return delta


def lives(folder: Path, seed: int, steps: int = 14, *, loses_journals: bool = False) -> Life:
    """One life. Raises AssertionError with all that happened where something does not hold."""
    folder.mkdir(mode=0o700, exist_ok=True)
    life = Life(folder, seed, loses_journals=loses_journals)
    try:
        for _ in range(steps):
            life.step()
        life.ends()
    except BaseException as exc:
        exc.add_note("\n".join((f"seed {seed}", *life.log)))
        raise
    return life


if __name__ == "__main__":
    for number in range(int(sys.argv[1]), int(sys.argv[2])):
        with tempfile.TemporaryDirectory() as made:
            lives(Path(made), number)
        with tempfile.TemporaryDirectory() as made:
            lives(Path(made), number, loses_journals=True)
