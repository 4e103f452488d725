"""Settings that stand in no file -> the same, judged as the reader would judge them in one."""

from dataclasses import fields

from delegation.errors import InventoryError
from delegation.inventory import DirectorySettings
from delegation.inventory.directory_section import directory_settings
from delegation.inventory.fields import Field, Reading
from delegation.inventory.hosts_section import domain_name
from delegation.inventory.yaml_tree import Kind, Mapping, Node, Scalar, Sequence


def judged_settings(domain: str, settings: DirectorySettings, where: str) -> DirectorySettings:
    """``settings`` of ``domain`` as an inventory with them would be read.

    Raises InventoryError with all their problems; ``where`` is what it calls the file.
    """
    reading = Reading()
    first = Scalar(1, 1, domain, Kind.TEXT)
    name = domain_name(reading, Field("'domain'", "domain: corp.example", first))
    section = Field("'directory'", "directory:", _section(settings))
    read = directory_settings(reading, section, name)
    problems = reading.problems()
    if problems:
        raise InventoryError(where, problems)
    return read


def _section(settings: DirectorySettings) -> Mapping:
    """What is set, a line each, as if somebody had written it down."""
    entries: list[tuple[Scalar, Node]] = []
    for line, field in enumerate(fields(settings), start=2):
        value = getattr(settings, field.name)
        if value not in {None, False, ()}:
            key = Scalar(line, 1, field.name, Kind.TEXT)
            entries.append((key, _node(line, value)))
    return Mapping(2, 1, tuple(entries))


def _node(line: int, value: str | bool | tuple[str, ...]) -> Node:  # noqa: FBT001 - any value of a setting
    if isinstance(value, tuple):
        items = enumerate(value, start=1)
        texts = tuple(Scalar(line, column, text, Kind.TEXT) for column, text in items)
        return Sequence(line, 1, texts)
    if value is True:
        return Scalar(line, 1, "true", Kind.BOOLEAN)
    return Scalar(line, 1, str(value), Kind.TEXT)
