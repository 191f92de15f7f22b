"""Parses the YAML of an installation: faust.yml, the seed and policies."""

from typing import Any

import yaml

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # libyaml, if the wheel includes it, takes a tenth of the time


def parse_yaml(text: str | bytes) -> Any:
    """The value of a YAML document; of safe types only. Raises yaml.YAMLError."""
    return yaml.load(text, _LOADER)
