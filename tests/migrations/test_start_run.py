"""What a run of migrations is asked for, told of and refused."""

from delegation.events import EventSeverity
from delegation.migrations.start_run import ShortTicket


def test_a_ticket_that_is_too_short_is_told() -> None:
    event = ShortTicket(left=320, expected=600)
    [told] = event.words()
    assert event.severity is EventSeverity.WARNING
    assert "good for 5 min 20 s, and this should take 10 min" in told
    assert "kinit" in told
