"""The generated files of the Python client, from the OpenAPI document."""

import re
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from app.api.document.operations import JsonObject
from dev.clients.python_operations import build_methods
from dev.clients.python_types import Field, build_models

PACKAGE_DIR = Path(__file__).resolve().parents[2] / "clients" / "python" / "herold_client"
_WORD = re.compile(r"[A-Za-z0-9]+")


def build_files(document: JsonObject, command: str) -> dict[str, str]:
    """The text of each generated file, by its path in the package; `command` is what generates them."""
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent), trim_blocks=True, lstrip_blocks=True, undefined=StrictUndefined, autoescape=False
    )
    models, methods = build_models(document["components"]["schemas"]), build_methods(document)
    modules = {"".join(word.capitalize() for word in _WORD.findall(tag)): tag for tag in methods}
    files = {
        "models.py": environment.get_template("models.py.j2").render(
            command=command,
            models=models,
            field_default=_describe_field_default,
            has_renamed_fields=any(field.name != field.wire_name for model in models for field in model.fields),
        ),
        "operations/__init__.py": '"""The operations by resource."""\n',
        "client.py": environment.get_template("client.py.j2").render(
            command=command, class_names=sorted(modules), modules={name: _name_module(tag) for name, tag in modules.items()}
        ),
    }
    for class_name, tag in modules.items():
        template = environment.get_template("operations.py.j2")
        files[f"operations/{_name_module(tag)}.py"] = template.render(command=command, tag=tag, class_name=class_name, methods=methods[tag])
    return {path: _format_file(path, content) for path, content in files.items()}


def find_generated_files(directory: Path = PACKAGE_DIR) -> Iterable[Path]:
    """The files of the package that are generated."""
    return [directory / "models.py", directory / "client.py", *sorted((directory / "operations").glob("*.py"))]


def _name_module(tag: str) -> str:
    return "_".join(_WORD.findall(tag.lower()))


def _describe_field_default(field: Field) -> str:
    if field.name == field.wire_name:
        return field.default
    return f'field(name="{field.wire_name}"{", default=" + field.default if field.default else ""})'


def _format_file(path: str, content: str) -> str:
    """The file as ruff formats it, without the imports that it does not use."""
    for arguments in (["check", "--fix", "--exit-zero", "-q"], ["format", "-q"]):
        command = [sys.executable, "-m", "ruff", *arguments, "--stdin-filename", str(PACKAGE_DIR / path), "-"]
        content = subprocess.run(command, input=content, capture_output=True, text=True, check=True).stdout
    return content
