"""What runs changed on the hosts, as the journal keeps it -> JSON data."""

from typing import Any

from delegation.changes.history import became_to_json
from delegation.hosts.settings import RecordedSetting
from delegation.hosts.settings_view import setting_to_json


def recorded_setting_to_json(recorded: RecordedSetting) -> dict[str, Any]:
    """A setting of a host with what became of it."""
    return {**setting_to_json(recorded.change), **became_to_json(recorded)}
