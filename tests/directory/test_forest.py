"""What HOST stands for, asked where the forest has it."""

from collections.abc import Sequence

from delegation.directory import forest
from delegation.mesh.spn_mappings import ASSUMED

ROOT = "CN=Configuration,DC=corp,DC=example"


class Forest:
    """What may be seen of a forest; ``asked`` are the DNs in their order."""

    def __init__(self, *values: bytes, visible: bool = True) -> None:
        self.values = values
        self.visible = visible
        self.asked: list[str] = []

    def __call__(self, dn: str, attribute: str) -> Sequence[bytes]:
        self.asked.append(dn)
        if not dn:
            assert attribute == "configurationNamingContext"
            return [ROOT.encode()] if self.visible else []
        return self.values if dn == f"{forest.DIRECTORY_SERVICE},{ROOT}" else ()


def test_of_the_forests_root_domain_one_question_is_enough() -> None:
    asked = Forest(b"host=cifs,dns")
    assert forest.spn_mappings(asked, "DC=corp,DC=example").alias("cifs/a") == "HOST/a"
    assert len(asked.asked) == 1


def test_of_a_child_domain_the_root_dse_tells_where_it_is() -> None:
    asked = Forest(b"host=dns", b"web=cifs")
    found = forest.spn_mappings(asked, "DC=emea,DC=corp,DC=example")
    assert (found.is_read, found.alias("cifs/a")) == (True, "web/a")


def test_where_it_can_not_be_read_the_default_is_assumed() -> None:
    for asked in (Forest(), Forest(b"host=dns", visible=False)):
        assert forest.spn_mappings(asked, "DC=emea,DC=corp,DC=example") is ASSUMED
