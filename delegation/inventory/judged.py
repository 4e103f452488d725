"""Settings that stand in no file -> the same, judged as the reader would judge them in one."""

from delegation.errors import InventoryError
from delegation.inventory import DirectorySettings
from delegation.inventory.declared import DeclaredSection
from delegation.inventory.directory_section import directory_settings
from delegation.inventory.fields import Field, Reading
from delegation.inventory.keys import DIRECTORY
from delegation.inventory.machine_names import read_domain
from delegation.inventory.yaml_tree import MappingNode, Node, ScalarKind, ScalarNode, SequenceNode


def judged_settings(domain: str, settings: DirectorySettings, where: str) -> DirectorySettings:
    """``settings`` of ``domain`` as an inventory with them would be read.

    Raises InventoryError with all their problems; ``where`` is what it calls the file.
    """
    reading = Reading()
    first = ScalarNode(1, 1, domain, ScalarKind.TEXT)
    name = read_domain(reading, Field("'domain'", "domain: corp.example", first))
    section = Field("'directory'", "directory:", _section(settings))
    read = directory_settings(DeclaredSection(reading, DIRECTORY, section), name)
    problems = reading.problems()
    if problems:
        raise InventoryError(where, problems)
    return read


def _section(settings: DirectorySettings) -> MappingNode:
    """What is set, a line each, as if somebody had written it down."""
    entries: list[tuple[ScalarNode, Node]] = []
    for line, (key, value) in enumerate(settings._asdict().items(), start=2):
        if value not in {None, False, ()}:
            name = ScalarNode(line, 1, key, ScalarKind.TEXT)
            entries.append((name, _node(line, value)))
    return MappingNode(2, 1, tuple(entries))


def _node(line: int, value: str | bool | tuple[str, ...]) -> Node:  # noqa: FBT001 - any value of a setting
    if isinstance(value, tuple):
        items = enumerate(value, start=1)
        texts = tuple(ScalarNode(line, column, text, ScalarKind.TEXT) for column, text in items)
        return SequenceNode(line, 1, texts)
    if value is True:
        return ScalarNode(line, 1, "true", ScalarKind.BOOLEAN)
    return ScalarNode(line, 1, str(value), ScalarKind.TEXT)
