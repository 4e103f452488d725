"""A result as text on a terminal, whatever its type: all renderings there are."""

from delegation.cli import rendering
from delegation.cli import show as _of_the_mesh  # noqa: F401 - these register theirs
from delegation.cli.hosts import tables as _of_hosts  # noqa: F401
from delegation.cli.migrate import runs_shown as _of_runs  # noqa: F401
from delegation.cli.migrate import show as _of_moves  # noqa: F401
from delegation.cli.migrate import traffic as _of_the_wire  # noqa: F401
from delegation.cli.options import Options


def show(view: object, given: Options) -> None:
    """Print a view. Raises TypeError for one that nobody has written a rendering for."""
    rendering.rendered(view, given)
