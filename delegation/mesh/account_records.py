"""Which objects the accounts of a directory were, in the journal: told by audits and applies.

An audit only adds what it has seen: it can't make another object the known one. An apply can,
because whoever confirmed it has allowed that. Both are kept in one table, so that the state folder
of a scheduled audit, which may hold no apply at all, knows as much.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable
from typing import Protocol
from uuid import UUID

from delegation.changes import store
from delegation.changes.journal import Journal
from delegation.changes.records import Records
from delegation.changes.run import DONE, NewRun
from delegation.errors import DelegationError
from delegation.events import Teller, warning
from delegation.mesh.identities import AccountName, KnownAccount, KnownAccounts
from delegation.mesh.known_accounts import has_identity
from delegation.mesh.snapshot import Computer

_LABEL_ALONE = "?"
"""In the place of a dNSHostName: version 0.1.0 recorded the inventory's label and no name."""

_ALLOWED_IN_SUMMARY = {True: "new account allowed", False: "new accounts allowed"}
"""What the history says of an apply that did nothing else; by whether it is one."""


def known(journal: Journal, directory: str) -> KnownAccounts:
    """What is on record of a directory's accounts. Raises JournalError."""
    if not journal.has("accounts"):
        return KnownAccounts()
    by_name: dict[str, KnownAccount] = {}
    by_label: dict[str, KnownAccount] = {}
    called: dict[UUID, dict[AccountName, int]] = defaultdict(dict)
    # What was allowed last counts; where nothing was, what was seen first. So that comes last here.
    for row in journal.rows(
        "SELECT accounts.*, started FROM accounts JOIN runs ON runs.id = coalesce(allowed, run)"
        " WHERE accounts.directory = ? ORDER BY allowed IS NOT NULL, allowed, run DESC",
        directory,
    ):
        with journal.reading(f"the account {row['name']}"):
            is_allowed = row["allowed"] is not None
            run = row["allowed"] if is_allowed else row["run"]
            account = KnownAccount(UUID(row["guid"]), run, row["started"], is_allowed)
        if row["fqdn"] == _LABEL_ALONE:
            by_label[row["name"]] = account
        else:
            by_name[row["name"]] = account
            called[account.guid][AccountName(row["name"], row["fqdn"])] = row["run"]
    in_turn = {guid: tuple(sorted(it, key=lambda name: it[name])) for guid, it in called.items()}
    return KnownAccounts(by_name, by_label, in_turn)


class RememberingWorld(Protocol):
    """What knows of runs before: the journal, and what this directory is called in it."""

    @property
    def records(self) -> Records: ...

    @property
    def recorded_as(self) -> str: ...

    @property
    def teller(self) -> Teller: ...


def known_to(world: RememberingWorld) -> KnownAccounts:
    """The same of a world's journal; one that can't be read, or trusted, is told as a warning."""
    directory = world.recorded_as
    try:
        with world.records.trusting() as journal:
            return known(journal, directory)
    except DelegationError as exc:
        what = f"no account is compared with the one that was known before: {exc.what}"
        world.teller.say(warning(what))
        return KnownAccounts()


def seen(journal: Journal, run: int, directory: str, accounts: Iterable[Computer]) -> None:
    """Record accounts that an audit has seen, within its transaction; what is known stays so."""
    journal.writing().executemany(
        "INSERT OR IGNORE INTO accounts (directory, name, guid, fqdn, run) VALUES (?, ?, ?, ?, ?)",
        [(directory, *_key(account), run) for account in accounts if has_identity(account)],
    )


def allowed(journal: Journal, run: int, directory: str, accounts: Iterable[Computer]) -> None:
    """Record accounts that an apply goes by: from now on they are what their names mean."""
    rows = [(directory, *_key(account), run) for account in accounts if has_identity(account)]
    if not rows:
        return
    with store.transaction(journal.writing(), journal.path):
        journal.writing().executemany(
            "INSERT INTO accounts (directory, name, guid, fqdn, run, allowed)"
            " VALUES (?1, ?2, ?3, ?4, ?5, ?5)"
            " ON CONFLICT (directory, name, guid, fqdn) DO UPDATE SET allowed = excluded.allowed",
            rows,
        )


def allowed_alone(journal: Journal, run: NewRun, accounts: Collection[Computer]) -> int:
    """Record an apply that had nothing to write, and allowed these accounts; its number."""
    with store.transaction(journal.writing(), journal.path):
        number = journal.add(
            run, DONE, {"objects": 0, _ALLOWED_IN_SUMMARY[len(accounts) == 1]: len(accounts)}
        )
    allowed(journal, number, run.directory, accounts)
    return number


def _key(account: Computer) -> tuple[str, str, str]:
    fqdn = (account.dns_host_name or "").casefold()
    return account.name.casefold(), str(account.guid), fqdn
