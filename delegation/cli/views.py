"""A result as text on a terminal, whatever its type: all renderings there are."""

from collections.abc import Callable
from typing import Any

from delegation.cli import rendering
from delegation.cli.options import Options


def show(view: object, given: Options) -> None:
    """Print a view. Raises TypeError for one that nobody has written a rendering for."""
    rendering_of(type(view))(view, given)


def rendering_of(kind: type) -> Callable[[Any, Options], None]:
    """What prints views of that type, with no more loaded than it needs."""
    _register_those_of(kind.__module__.split(".")[1])
    return rendering.rendered.dispatch(kind)


def _register_those_of(room: str) -> None:
    """``room`` is the capability that a view belongs to: ``mesh`` of delegation.mesh.plan_view."""
    # Renderings know the views that they render. An apply of the mesh that loaded those of
    # migrations would load all of migrations, which was a sixth of its time at 64 hosts.
    match room:
        case "changes":
            from delegation.cli import settled as _of_runs_in_doubt  # noqa: F401
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
