"""Data -> text, by a template of ours or of the user's; the one reader of template files.

Data for templates is inert and serialized: text, numbers, lists and mappings, and functions of
those. What a value in it may do to a page, a script or a terminal is settled before it gets here,
or by the filters: ``cell`` for a cell of Markdown, ``ps`` for PowerShell, ``comment``.
"""

import traceback
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from delegation import names
from delegation.errors import UsageError
from delegation.report import quoting

if TYPE_CHECKING:
    import jinja2


@dataclass(frozen=True, slots=True)
class TemplateChoice:
    """Our template, or the user's ``own`` instead of it, which may extend ours."""

    own: Path | None = None

    def fill(self, ours: str, data: Mapping[str, object], *, html: bool = False) -> str:
        """The filled template. Raises UsageError where the user's own fails in any way."""
        if self.own is None:
            return render(ours, data, html=html)
        return _render_own(self.own, data, html=html)


def render(template: str, data: Mapping[str, object], *, html: bool = False) -> str:
    """``templates/<template>`` filled with ``data``; an unknown name in it is an error.

    ``html``: what is filled in is escaped. The name doesn't tell: it ends in ``.j2``.
    """
    return _our_environment(html).get_template(template).render(data)


def _render_own(template: Path, data: Mapping[str, object], *, html: bool) -> str:
    """It is run as the program that it is: whatever goes wrong in it is the template's fault."""
    try:
        environment = _environment(template.parent, templates(), html=html)
        return environment.get_template(template.name).render(data)
    except Exception as exc:
        lines = [
            frame.lineno
            for frame in traceback.extract_tb(exc.__traceback__)
            if Path(frame.filename) == template
        ]
        line = getattr(exc, "lineno", None) or (lines[-1] if lines else None)
        where = f"{template}:{line}" if line else f"{template}"
        raise UsageError(
            f"{where}: {exc or type(exc).__name__}", "correct the template; nothing was written"
        ) from exc


@cache
def _our_environment(html: bool) -> "jinja2.Environment":  # noqa: FBT001 - a key of the cache
    """Made once, so that each of our templates is compiled once."""
    return _environment(templates(), html=html)


def _environment(*folders: Path, html: bool) -> "jinja2.Environment":
    """Ours are also found below ``delegation/``, where the user's has the name of one of them."""
    import jinja2

    ours = {"delegation": jinja2.FileSystemLoader(templates())}
    environment = jinja2.Environment(
        loader=jinja2.ChoiceLoader([jinja2.FileSystemLoader(folders), jinja2.PrefixLoader(ours)]),
        undefined=jinja2.StrictUndefined,
        autoescape=jinja2.select_autoescape(default=html, disabled_extensions=()),
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.policies["json.dumps_kwargs"] = {"separators": (",", ":")}
    environment.filters["cell"] = lambda text: _markdown(names.inert(str(text)))
    environment.filters["ps"] = lambda text: quoting.powershell(str(text))
    environment.filters["comment"] = lambda text: quoting.comment(str(text))
    return environment


def templates() -> Path:
    """Where the templates lie: in the installed package, or at the top of a checkout."""
    package = Path(__file__).parents[1]
    packaged = package / "templates"
    return packaged if packaged.is_dir() else package.parent / "templates"


def asset(name: str) -> str:
    """What lies beside the templates and stands in a page as it is: its style, its script."""
    return (templates() / name).read_text(encoding="utf-8")


def example_inventory() -> Path:
    packaged = templates() / "inventory.example.yaml"
    return packaged if packaged.is_file() else templates().parent / "inventory.example.yaml"


def _markdown(text: str) -> str:
    """``text`` as the inside of a Markdown table cell, with nothing in it that is markup."""
    return "".join(f"\\{c}" if c in "\\`*_{}[]<>()#+-.!|~&" else c for c in text)
