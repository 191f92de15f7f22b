"""YAML is parsed by one function, with the fast loader."""

from pathlib import Path

import pytest
import yaml

from tables.yaml_parser import parse_yaml

ROOT = Path(__file__).parents[3]


def test_no_other_module_chooses_a_loader() -> None:
    modules = [path for folder in ("schemas", "tables", "agents", "app", "dev") for path in (ROOT / folder).rglob("*.py")]
    assert [str(path.relative_to(ROOT)) for path in modules if "SafeLoader" in path.read_text()] == ["tables/yaml_parser.py"]


def test_a_document_has_safe_types_only() -> None:
    assert parse_yaml(b"a: [1, x]") == {"a": [1, "x"]}
    with pytest.raises(yaml.YAMLError):
        parse_yaml("!!python/object:os.system {}")
