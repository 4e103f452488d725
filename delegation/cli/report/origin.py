"""Which report this is, and of when."""

from datetime import UTC, datetime

from delegation import __version__
from delegation.report.contents import Origin


def origin(subject: str, limit: str | None = None) -> Origin:
    """Of ``subject`` as it is now; ``limit`` are the hosts in scope."""
    now = datetime.now(UTC).isoformat(timespec="seconds")
    return Origin(subject, now, f"delegation {__version__}", limit)
