"""An exported plan -> the text of its files, for LDAP tools or PowerShell, and their bytes."""

from dataclasses import dataclass

from delegation import __version__
from delegation.mesh.export_plan import ChangeFile, ExportedPlan
from delegation.report.templates import TemplateChoice


@dataclass(frozen=True, slots=True)
class ChangeFileForm:
    """A kind of change file; ``is_script``: Windows PowerShell runs it."""

    suffix: str
    template: str
    is_script: bool


FORMS = {
    "ldif": ChangeFileForm(".ldif", "plan.ldif.j2", is_script=False),
    "powershell": ChangeFileForm(".ps1", "plan.ps1.j2", is_script=True),
}


@dataclass(frozen=True, slots=True)
class ChangeFileNames:
    """What the files are called; None: standard output for the change, none for the undo."""

    change: str | None
    undo: str | None


@dataclass(frozen=True, slots=True)
class ChangeFilePrinter:
    """Makes both files of one export; ``made`` is when, in UTC."""

    form: ChangeFileForm
    names: ChangeFileNames
    made: str
    template: TemplateChoice

    def change(self, exported: ExportedPlan) -> str:
        names = self.names
        return self._filled(exported, "change", exported.change, names.change, names.undo)

    def undo(self, exported: ExportedPlan) -> str:
        names = self.names
        return self._filled(exported, "undo", exported.undo, names.undo, names.change)

    def _filled(
        self,
        exported: ExportedPlan,
        kind: str,
        file: ChangeFile,
        own_name: str | None,
        other_name: str | None,
    ) -> str:
        data = {
            **exported.about_json(),
            "made": self.made,
            "version": __version__,
            **file.to_json(),
            "kind": kind,
            "file": own_name or f"FILE{self.form.suffix}",
            "other": other_name,
        }
        return self.template.fill(self.form.template, data)

    def encoded(self, text: str) -> bytes:
        """With the line ends of Windows; a script that is not ASCII gets a byte order mark.

        Windows PowerShell 5.1 would take it for ANSI without. Ours is ASCII, a user's may not be.
        """
        marked = self.form.is_script and not text.isascii()
        return text.replace("\n", "\r\n").encode("utf-8-sig" if marked else "utf-8")
