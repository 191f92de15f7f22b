"""The versions of templates: `herold templates` and the API create, preview, compare, publish and roll back."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from agents.router.compiled_policy import CompiledPolicy
from agents.router.templates.locales import DEFAULT_LOCALES
from agents.router.templates.preview import preview_template
from app.admin.policy import find_problems
from app.admin.rule_problems import find_missing_templates
from schemas.errors import PolicyDocumentError
from schemas.policy import Policy
from schemas.policy_document import PolicyDocument, merge_document
from schemas.template_document import TemplateDocument
from schemas.template_versions import (
    ContentPreview,
    SizeChange,
    TemplateHistory,
    TemplateSummary,
    TemplateVersion,
    VersionReport,
    find_gaps,
)
from schemas.user_validation import FieldProblem, find_place_problems
from tables.postgres.database import Database
from tables.postgres.policy import PostgresPolicyLoader
from tables.postgres.templates import PostgresTemplateStore


class TemplateService:
    """Manages the templates of one database. Each method raises UnavailableError."""

    def __init__(self, database: Database) -> None:
        self._store, self._loader = PostgresTemplateStore(database), PostgresPolicyLoader(database)

    async def list_templates(self, limit: int, after: str | None = None, search: str = "") -> Sequence[TemplateSummary]:
        """A page of templates."""
        return await self._store.list_templates(limit, after, search)

    async def get_version(self, name: str, version: int | None = None) -> TemplateVersion | None:
        """A version; without a number the published one, or the latest if none is published."""
        return await self._store.get_version(name, version)

    async def get_history(self, name: str) -> TemplateHistory | None:
        """The versions and publications of a template."""
        return await self._store.get_history(name)

    async def create_draft(self, name: str, document: TemplateDocument, actor: str, comment: str = "") -> int:
        """Write the next version, which is not published. Raises PolicyDocumentError for one that the router could not use."""
        if problems := find_problems(await self._loader.load(), PolicyDocument(templates={name: document})):
            raise PolicyDocumentError(problems)
        return await self._store.create_version(name, document, actor, comment)

    async def preview(
        self, name: str, document: TemplateDocument, data: Mapping[str, Any], locale: str | None = None, zone: str = ""
    ) -> list[ContentPreview]:
        """What a document would render to with this data."""
        policy = merge_document(await self._loader.load(), PolicyDocument(templates={name: document}))
        return preview_template(CompiledPolicy(policy).templates, name, data, locale, zone)

    async def check(self, version: TemplateVersion) -> VersionReport:
        """What publishing a version would do."""
        return build_report(await self._loader.load(), version)

    async def publish(self, version: TemplateVersion, expected_version: int | None, actor: str, comment: str = "") -> VersionReport:
        """Publish a version that has no problems. Raises PolicyDocumentError with them, TemplateChangedError as the store does."""
        report = await self.check(version)
        if report.problems:
            raise PolicyDocumentError(report.problems)
        await self._store.publish(version.name, version.version, expected_version, actor, comment)
        return report

    async def get_previous_version(self, name: str) -> TemplateVersion | None:
        """The version that was published before the present one; None if there was none."""
        version = await self._store.get_previous_version(name)
        return None if version is None else await self._store.get_version(name, version)


def find_preview_problems(locale: str | None, zone: str) -> Iterator[FieldProblem]:
    """Why nothing can be shown in this locale (None: each of the template) and time zone."""
    return find_place_problems("" if locale is None or locale in DEFAULT_LOCALES else locale, zone)


def build_report(policy: Policy, version: TemplateVersion) -> VersionReport:
    """What publishing a version would do to this policy: problems, changes of the samples, and gaps in the installation's locales."""
    name, document = version.name, version.document
    change = PolicyDocument(templates={name: document})
    before, after = CompiledPolicy(policy), CompiledPolicy(merge_document(policy, change, {name: version.version - 1}))
    problems = find_problems(policy, change)
    rules = [rule for rule in policy.rules.values() if (rule.template or rule.type) == name]
    problems += [f"rule {rule.type}: {problem}" for rule in rules for _, problem in find_missing_templates(rule, after.templates)]
    changes = []
    for sample, data in document.samples.items():
        old = {(one.channel, one.locale): one for one in preview_template(before.templates, name, data)}
        for new in preview_template(after.templates, name, data):
            if new.problem:
                problems.append(f"sample {sample}, {new.channel} {new.locale}: {new.problem}")
            else:
                changes.append(_compare(sample, old.get((new.channel, new.locale)), new))
    locales = {template.locale or "default" for template in policy.templates}
    return VersionReport(name, version.version, version.published_version, problems, changes, [*find_gaps(document, locales)])


def _compare(sample: str, old: ContentPreview | None, new: ContentPreview) -> SizeChange:
    size, segments = (old.size, old.sms.segments if old.sms else 0) if old else (0, 0)
    return SizeChange(new.channel, new.locale, sample, size, new.size, segments, new.sms.segments if new.sms else 0)
