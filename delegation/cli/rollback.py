"""``delegation rollback``: take back exactly what one run did."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import click

from delegation.changes.journal import Journal
from delegation.changes.run import NewRun, Run
from delegation.cli import options, runs, show, terminal, wiring
from delegation.errors import ConnectionFailed, DelegationError, InventoryError, Refused, UsageError
from delegation.hosts.settings import HOST_SETTINGS
from delegation.inventory import DirectorySettings, Inventory
from delegation.mesh import snapshot, undo
from delegation.mesh.reader import Writer
from delegation.mesh.state import DELEGATION, ROLLBACK


@click.command()
@options.common()
@click.argument("run", required=False, type=options.RUN, metavar="[RUN]")
@options.ticket
@options.yes
@options.allow("unconstrained")
@click.pass_context
def rollback(
    ctx: click.Context,
    run: int | None,
    ticket: str | None,
    yes: bool,  # noqa: FBT001 - click passes it by name
    allow: tuple[str, ...],
) -> int:
    """Undo one run exactly.

    That is RUN, or the newest apply that is not undone yet.

    Restores the values and flags which that run wrote, in their original spelling, on the objects
    it wrote them to, wherever they have been moved. What others changed since is left alone; an
    object on which the run's own values have changed since is a conflict, and then nothing is
    written. A rollback is undone by its number.

    It needs no valid inventory. Without one, name the server that may have the password with
    --directory: the journal alone is not believed.

    \b
    Examples:
      delegation rollback
      delegation rollback 12 --ticket CHG-1234 --yes
      delegation history                     the runs and their numbers

    Rollback is not revocation: tickets that were issued already work for up to 10 hours.
    """
    given = options.given(ctx)
    inventory = _inventory_if_valid(given)
    folder = wiring.state_folder(given, inventory)
    with runs.recording(folder) as journal:
        chosen = _choose(given, journal, run, _directory(given, inventory))
        wanted = _settings(given, inventory, chosen)
        _refuse_unvouched(given, inventory, chosen, wanted)
        with _on_its_dc(given, wanted, chosen) as writer:
            _look_at_dc(chosen, writer)
            runs.settle_all(journal, writer, chosen.directory)
            if run is None:
                chosen = _choose(given, journal, run, chosen.directory)
            back = _reversal(journal, chosen, writer, allow)
            terminal.out(_title(chosen, writer), bold=True)
            show.undo(back.plan, back.warnings, verbose=given.verbose)
            _refuse(back)
            if not yes:
                _ask(back, writer)
                _refuse(_reversal(journal, chosen, writer, allow))
            new = NewRun(
                ROLLBACK,
                chosen.directory,
                chosen.domain,
                writer.directory.dc,
                wiring.connection_record(wanted, writer.directory),
                chosen.inventory_digest,
                back.plan.digest,
                ticket,
                reverses=chosen.id,
            )
            code = runs.carry_out(journal, new, back.plan, writer, "rolled back")
    if code == 0:
        terminal.say("  tickets that were issued already go on working for up to 10 hours")
    return code


def _inventory_if_valid(given: options.Options) -> Inventory | None:
    try:
        return wiring.load(given)
    except (InventoryError, UsageError) as exc:
        terminal.warn(f"{given.inventory} is not usable, going by the journal alone: {exc.what}")
        return None


def _directory(given: options.Options, inventory: Inventory | None) -> str | None:
    """Which directory's runs are meant, as far as inventory and command line tell."""
    if given.directory is not None and given.directory.startswith("ldif:"):
        return wiring.identity(DirectorySettings(url=given.directory), "")
    if inventory is None:
        return None
    return wiring.identity(wiring.settings(given, inventory), inventory.domain)


def _choose(
    given: options.Options, journal: Journal, number: int | None, directory: str | None
) -> Run:
    if number is not None:
        chosen = journal.run(number)
        if chosen.kind in HOST_SETTINGS.runs:
            raise UsageError(
                f"run {number} changed settings of the hosts, not the directory",
                f"to undo it: {given.command('hosts', 'rollback', str(number))}",
            )
        if not (journal.in_effect(number, DELEGATION) or chosen in journal.unsettled(DELEGATION)):
            raise DelegationError(
                f"run {number} ({chosen.kind}) has nothing that could be undone",
                "see: delegation history",
            )
        return chosen
    if (newest := journal.undoable(directory, DELEGATION)) is None:
        raise DelegationError(
            "there is no apply left to undo" + (f" on {directory}" if directory else ""),
            "see: delegation history; a rollback is undone by its number",
        )
    return newest


def _settings(
    given: options.Options, inventory: Inventory | None, chosen: Run
) -> DirectorySettings:
    """The run's own directory, unless the command line names another.

    Who logs on is for the inventory to say, where there is a valid one: whoever undoes a run at
    night need not be who made it.
    """
    recorded = wiring.recorded_settings(dict(chosen.connection))
    if inventory is not None and inventory.domain.casefold() == chosen.domain.casefold():
        recorded = wiring.with_logon(recorded, given, inventory)
    if given.directory is not None:
        return wiring.redirect(recorded, given.directory)
    return recorded


def _refuse_unvouched(
    given: options.Options, inventory: Inventory | None, chosen: Run, wanted: DirectorySettings
) -> None:
    """A journal alone does not decide where a password goes: anybody may have planted it."""
    if given.directory is not None or (wanted.url or "").startswith("ldif:"):
        return
    if inventory is None:
        raise Refused(
            f"only the journal says that run {chosen.id} belongs to {wanted.url}; nothing was "
            "sent or written",
            f"if that is right, say so yourself: --directory {wanted.url}",
        )
    if chosen.domain.casefold() != inventory.domain.casefold():
        raise Refused(
            f"run {chosen.id} was made in {chosen.domain}, not in {inventory.domain}; nothing "
            "was sent or written",
            f"if that is right, say so yourself: --directory {wanted.url}",
        )


@contextmanager
def _on_its_dc(given: options.Options, wanted: DirectorySettings, chosen: Run) -> Iterator[Writer]:
    """The run's own domain controller; where it can't be reached, how to do without it."""
    with ExitStack() as stack:
        try:
            writer = stack.enter_context(wiring.writing(given, wanted, chosen.domain))
        except ConnectionFailed as exc:
            if given.directory is not None:
                raise
            again = given.command("rollback", str(chosen.id))
            raise ConnectionFailed(
                f"run {chosen.id} was made on {chosen.dc}, which can't be used: {exc.what}",
                f"try again when it can, or name another one: {again} --directory URL",
                [*exc.details, "on another one, what has not replicated yet looks like a conflict"],
            ) from exc
        yield writer


def _look_at_dc(chosen: Run, writer: Writer) -> None:
    if writer.directory.dc.casefold() != chosen.dc.casefold():
        terminal.warn(
            f"run {chosen.id} was made on {chosen.dc}, this is {writer.directory.dc}: what has "
            "not replicated yet will look like a conflict"
        )


def _title(chosen: Run, writer: Writer) -> str:
    ticket = f", ticket {chosen.ticket}" if chosen.ticket else ""
    return (
        f"Undo of run {chosen.id} ({chosen.kind} by {chosen.who}, {chosen.started}{ticket}) "
        f"on {writer.directory.dc}"
    )


def _reversal(
    journal: Journal, chosen: Run, writer: Writer, allow: tuple[str, ...]
) -> undo.Reversal:
    changes = journal.in_effect(chosen.id, DELEGATION)
    if not changes:
        raise DelegationError(
            f"run {chosen.id} wrote nothing that is still in effect", "see: delegation history"
        )
    accounts = writer.find([])
    controllers = snapshot.resolve(writer.directory, [], accounts).domain_controller_names
    now = writer.read([change.target.guid for change in changes])
    return undo.reversal(chosen.domain, changes, now, controllers, allow)


def _refuse(back: undo.Reversal) -> None:
    if back.plan.blocked:
        raise Refused(
            "the rollback is refused; nothing was written",
            "settle these by hand, or restore the values the run left, then try again",
            show.refusals(back.plan.blocked),
        )


def _ask(back: undo.Reversal, writer: Writer) -> None:
    question = f"Write this to {len(back.plan.changes):,} objects on {writer.directory.dc}?"
    if not terminal.confirm(question, yes=False):
        raise DelegationError("declined; nothing was written")
