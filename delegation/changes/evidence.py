"""An object as it is now -> what became of a change that nobody answered for, and why so."""

from collections.abc import Collection, Sequence

from delegation.changes.outcomes import Absent, Result
from delegation.changes.plan import Change, S


def what_became_of(
    change: Change[S], now: S | Absent, by_others: Collection[str] = ()
) -> tuple[Result, str]:
    """Whether an unanswered write was made, by the object as it is ``now``, and why so.

    A write is all or nothing (one modify, MS-ADTS 3.1.1.5.3; one method), and right before it the
    object was as it was before: so a part found made that nobody else has made tells of all others,
    whatever became of those since. What of it proves that is for the kind of the object to say;
    what other runs wrote since, ``by_others``, never does. Where all is as before there is nothing
    left of it, made or not.
    """
    if isinstance(now, Absent):
        return Result.UNKNOWN, now.why
    if not change.reversed().departures(now):
        return Result.REFUSED, "found not made"
    departures, parts_made = change.departures(now), change.parts_made(now)
    if change.is_proved_by(parts_made.difference(by_others)):
        since = f"; since then {_in_short(departures)}" if departures else ""
        return Result.APPLIED, f"found made{since}"
    if not departures:
        return Result.UNKNOWN, "found made, but other runs have written parts of it since"
    counts = f", {len(parts_made):,} of {len(change.parts):,} parts are as written"
    since = f"changed by somebody else since{counts if len(change.parts) > 1 else ''}"
    return Result.UNKNOWN, f"{since}: {_in_short(departures)}"


def why_in_doubt(change: Change[S], state: S | Absent, by_others: Collection[str]) -> str:
    """Why a change that was not begun by the record may have been made all the same.

    What is found made is never called ours by that: whoever made it had no need to tell us, and a
    rollback would take it from them. Empty where none of it is found made, but by later runs.
    """
    if isinstance(state, Absent):
        return state.why
    if not change.parts_made(state).difference(by_others):
        return ""
    result, reason = what_became_of(change, state)
    if result is Result.APPLIED:
        return "found made, but there is no record that this run began it"
    return reason


def _in_short(departures: Sequence[str]) -> str:
    """Some of them, and how many there are besides."""
    shown = departures if len(departures) <= _FEW else departures[: _FEW - 1]
    words = "; ".join(shown)
    hidden = len(departures) - len(shown)
    return f"{words}; and {hidden:,} more" if hidden else words


_FEW = 6
