"""A result as text on a terminal, whatever its type: all renderings there are."""

from delegation.cli import rendering
from delegation.cli.options import Options


def show(view: object, given: Options) -> None:
    """Print a view. Raises TypeError for one that nobody has written a rendering for."""
    _register_those_of(_room(view))
    rendering.rendered(view, given)


def _room(view: object) -> str:
    """The capability that a view belongs to: ``mesh`` of delegation.mesh.plan_view."""
    return type(view).__module__.split(".")[1]


def _register_those_of(room: str) -> None:
    # Renderings know the views that they render. An apply of the mesh that loaded those of
    # migrations would load all of migrations, which takes longer than to write 64 hosts.
    match room:
        case "mesh":
            from delegation.cli import show as _of_the_mesh  # noqa: F401 - these register theirs
        case "hosts":
            from delegation.cli.hosts import tables as _of_hosts  # noqa: F401
        case "migrations":
            from delegation.cli.migrate import runs_shown as _of_runs  # noqa: F401
            from delegation.cli.migrate import show as _of_moves  # noqa: F401
            from delegation.cli.migrate import traffic as _of_the_wire  # noqa: F401
        case _:
            pass
