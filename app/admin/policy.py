"""The policy of an installation: `herold policy` validates, applies and prints rules, templates and rate limits."""

import secrets
import time
from collections.abc import Iterator
from functools import partial

import msgspec
import yaml

from agents.router.compiled_policy import CompiledPolicy
from agents.router.templates.cache import TemplateFailure, compile_template
from agents.router.templates.compiler import find_partial_problems
from agents.router.templates.partials import PartialSources
from agents.router.templates.variables import InvalidSchema, compile_variables
from app.admin.category_problems import find_limit_problems
from app.admin.rule_problems import find_rule_problems
from app.ordered_ids import OrderedIds
from schemas.email_option_problems import find_option_problems
from schemas.errors import PolicyDocumentError
from schemas.json_errors import describe_decode_error
from schemas.names import SPACES, find_name_problem
from schemas.policy import Policy
from schemas.policy_document import PolicyDocument, build_document, find_duplicates, merge_document
from schemas.rule_versions import PolicyDifference
from schemas.template_document import TemplateDocument, build_details
from schemas.template_variants import list_templates
from schemas.user_validation import find_nul
from schemas.users import ChangeOrigin
from tables.postgres.database import open_database
from tables.postgres.policy import PostgresPolicyLoader
from tables.postgres.policy_writer import PostgresPolicyWriter
from tables.yaml_parser import parse_yaml


class _Dumper(yaml.SafeDumper):
    """Writes text of several lines as it is, after a `|`."""


def _represent_text(dumper: _Dumper, text: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None)


_Dumper.add_representer(str, _represent_text)


def parse_document(text: bytes) -> PolicyDocument:
    """The document in YAML. Raises PolicyDocumentError that says what is wrong and where."""
    try:
        return msgspec.convert(parse_yaml(text) or {}, PolicyDocument)
    except yaml.YAMLError as error:
        raise PolicyDocumentError([f"is not YAML: {' '.join(str(error).split())}"]) from None
    except msgspec.ValidationError as error:
        raise PolicyDocumentError([str(describe_decode_error(error, b""))]) from None


def parse_template(text: bytes) -> TemplateDocument:
    """A template in YAML. Raises PolicyDocumentError as parse_document does."""
    try:
        return msgspec.convert(parse_yaml(text) or {}, TemplateDocument)
    except yaml.YAMLError as error:
        raise PolicyDocumentError([f"is not YAML: {' '.join(str(error).split())}"]) from None
    except msgspec.ValidationError as error:
        raise PolicyDocumentError([str(describe_decode_error(error, b""))]) from None


def find_problems(policy: Policy, document: PolicyDocument) -> list[str]:
    """Why the router would make dead letters of notifications if the document were applied to this policy."""
    merged = merge_document(policy, document)
    problems = [f"{nul.path}: {nul.text}" for nul in find_nul(msgspec.to_builtins(document))]
    problems += [*_find_name_problems(document), *find_duplicates(document), *_find_compile_problems(policy, merged)]
    problems += [problem for name, template in document.templates.items() for problem in find_variable_problems(name, template)]
    problems += [problem for name, template in document.templates.items() for problem in _find_option_problems(name, template)]
    templates = CompiledPolicy(merged).templates
    for entry in document.rules:
        rule = merged.rules[entry.type]
        problems += [f"rule {entry.type}: {field}: {problem}" for field, problem in find_rule_problems(rule, templates, policy, merged)]
    return problems + [f"rate_limits[{index}].{field}: {text}" for index, field, text in find_limit_problems(policy, merged, document)]


def _find_name_problems(document: PolicyDocument) -> Iterator[str]:
    """The names of templates and partials that should name nothing; those of rules and limits are checked with their other fields."""
    names = [*(f"template {name!r}" for name in document.templates if find_name_problem(name))]
    names += [*(f"partial {name!r}" for name in document.partials if find_name_problem(name))]
    return (f"{name}: {SPACES}" for name in names)


def _find_compile_problems(policy: Policy, merged: Policy) -> list[str]:
    """The new templates that do not compile; if a partial has changed also old ones that did before, and the partials."""
    partials, old_partials, known = PartialSources(merged.partials), PartialSources(policy.partials), set(list_templates(policy))
    is_new_partial = set(merged.partials) != set(policy.partials)
    problems = []
    for template in list_templates(merged):
        if template in known and (not is_new_partial or isinstance(compile_template(template, partials=old_partials), TemplateFailure)):
            continue
        if isinstance(failure := compile_template(template, partials=partials), TemplateFailure):
            problems.append(failure.error)
    return problems + [problem for partial in merged.partials if is_new_partial for problem in find_partial_problems(partial, partials)]


def find_variable_problems(name: str, document: TemplateDocument) -> list[str]:
    """What is wrong with the schema of a template's variables, or with a sample."""
    details = build_details(name, 0, document)
    if not details.variables:
        return []
    try:
        variables = compile_variables(details.variables)
    except InvalidSchema as error:
        return [f"template {name}: {error}"]
    violations = {sample: violation for sample, data in document.samples.items() if (violation := variables.find_violation(data))}
    return [f"template {name}, sample {sample}: {one.problem} - at {one.path}" for sample, one in violations.items()]


def _find_option_problems(name: str, document: TemplateDocument) -> list[str]:
    """What is wrong with what the template says of e-mails beside their text."""
    problems = find_option_problems(document.email_options, is_of_rule=False) if document.email_options else ()
    return [f"template {name}: email_options.{field}: {problem}" for field, problem in problems]


def check_document(policy: Policy, document: PolicyDocument) -> None:
    """Raise PolicyDocumentError for a document that must not be applied to this policy."""
    if problems := find_problems(policy, document):
        raise PolicyDocumentError(problems)


async def apply_document(database_url: str, document: PolicyDocument, origin: ChangeOrigin, dry_run: bool) -> list[PolicyDifference]:
    """Validate the document and apply it, unless `dry_run`; returns the differences. Raises PolicyDocumentError and UnavailableError."""
    async with open_database(database_url) as database:
        return await PostgresPolicyWriter(database, origin, make_row_id).apply(document, check_document, dry_run)


make_row_id = OrderedIds(time.time, partial(secrets.randbits, 74))
"""Makes a new id with a prefix."""


async def load_document(database_url: str) -> PolicyDocument:
    """The current policy as a document. Raises UnavailableError if PostgreSQL does not answer."""
    async with open_database(database_url) as database:
        return build_document(await PostgresPolicyLoader(database).load())


def format_document(document: PolicyDocument | TemplateDocument) -> str:
    """The document as YAML."""
    return yaml.dump(msgspec.to_builtins(document), Dumper=_Dumper, allow_unicode=True, sort_keys=False, width=140)
