"""``delegation schema``: the inventory's JSON Schema."""

import json

import click

from delegation.cli import options


@click.command()
@options.common()
def schema() -> int:
    """Print the inventory's JSON Schema, for editors.

    With it an editor completes and checks an inventory while it is written.

    \b
    Example:
      delegation schema > inventory.schema.json
      # first line of inventory.yaml, for editors with the YAML language server:
      # yaml-language-server: $schema=inventory.schema.json
    """
    from delegation.inventory.schema import json_schema

    click.echo(json.dumps(json_schema(), indent=2))
    return 0
