"""When a report is made, and by what."""

from datetime import UTC, datetime

from delegation import __version__
from delegation.report.contents import Origin


def now() -> str:
    """ISO 8601 in UTC."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def origin(subject: str) -> Origin:
    """Of ``subject`` as it is now."""
    return Origin(subject, now(), f"delegation {__version__}")
