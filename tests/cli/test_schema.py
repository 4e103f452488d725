"""``delegation schema``: what an editor completes and checks an inventory with."""

from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from tests.cli.program import Delegation
from tests.cli.world import INVENTORY, ROOT


def test_it_is_a_json_schema_and_needs_no_inventory(delegation: Delegation, here: Path) -> None:
    (here / "inventory.yaml").unlink()
    ran = delegation("schema")
    assert ran.code == 0
    assert ran.err == ""
    jsonschema.Draft202012Validator.check_schema(ran.json)


class AsAnEditor(yaml.SafeLoader):
    """For JSON Schema there are no dates: they are text."""


AsAnEditor.yaml_implicit_resolvers = {
    first: [one for one in resolvers if one[0] != "tag:yaml.org,2002:timestamp"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def loaded(text: str) -> Any:
    return yaml.load(text, AsAnEditor)  # noqa: S506 - a SafeLoader


@pytest.mark.parametrize("text", [INVENTORY, (ROOT / "inventory.example.yaml").read_text("utf-8")])
def test_a_valid_inventory_fits_it(delegation: Delegation, text: str) -> None:
    jsonschema.validate(loaded(text), delegation("schema").json)


@pytest.mark.parametrize(
    "text",
    [
        "domain: corp.example\n",
        "hosts: {hv01: }\n",
        INVENTORY + "colour: red\n",
        INVENTORY + "policy: {foreign: delete}\n",
        INVENTORY + "retired: hv99\n",
    ],
)
def test_an_invalid_one_does_not(delegation: Delegation, text: str) -> None:
    schema = delegation("schema").json
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(loaded(text), schema)


def test_wrong_usage_is_2(delegation: Delegation) -> None:
    assert delegation("schema", "inventory.yaml").code == 2
