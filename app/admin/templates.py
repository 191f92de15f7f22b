"""The versions of templates: `herold templates` and the API create, preview, compare, publish and roll back."""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from math import inf
from typing import Any

import msgspec

from agents.router.compiled_policy import CompiledPolicy
from agents.router.templates.locales import DEFAULT_LOCALES
from agents.router.templates.payload_check import check_payloads
from agents.router.templates.preview import preview_template
from app.admin.policy import find_problems
from app.admin.recorded_payloads import PayloadSource
from app.admin.rule_problems import find_missing_templates
from app.admin.trials import Trials
from schemas.channels import ChannelName
from schemas.errors import PolicyDocumentError, RecordedNotificationsTooLargeError, RecordedNotificationsUnavailableError
from schemas.policy import Policy
from schemas.policy_document import PolicyDocument, merge_document
from schemas.template_document import TemplateDocument, build_details
from schemas.template_payloads import PayloadReport, RecordedPayload
from schemas.template_variants import ExperimentCounts, build_counts, build_experiment
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
    """Manages the templates of one database. Each method raises UnavailableError.

    Versions are tried on the recorded payloads of `payloads`, if it is given; `costs` are those of a message, or of a segment of an SMS.
    """

    def __init__(
        self,
        database: Database,
        payloads: PayloadSource | None = None,
        costs: Mapping[ChannelName, float] | None = None,
        trials: Trials | None = None,
    ) -> None:
        self._store, self._loader = PostgresTemplateStore(database), PostgresPolicyLoader(database)
        self._database, self._payloads, self._costs = database, payloads, costs or {}
        self._trials = trials or Trials()

    async def list_templates(self, limit: int, after: str | None = None, search: str = "") -> Sequence[TemplateSummary]:
        """A page of templates."""
        return await self._store.list_templates(limit, after, search)

    async def get_version(self, name: str, version: int | None = None) -> TemplateVersion | None:
        """A version; without a number the published one, or the latest if none is published."""
        return await self._store.get_version(name, version)

    async def get_history(self, name: str) -> TemplateHistory | None:
        """The versions and publications of a template."""
        return await self._store.get_history(name)

    async def count_variants(self, version: TemplateVersion, experiment: str, since: float) -> ExperimentCounts:
        """The deliveries submitted after `since` (epoch seconds) of an experiment, if it is empty of the version's own."""
        own = build_experiment(build_details(version.name, version.version, version.document))
        name = experiment or (own.name if own else "")
        weights = own.list_weights() if own and own.name == name else {}
        rows = await self._store.count_variants(name, since) if name else []
        return build_counts(version.name, name, weights, rows, since)

    async def create_draft(
        self, name: str, document: TemplateDocument, actor: str, comment: str = "", base_version: int | None = None
    ) -> int:
        """Write the next version, which is not published.

        Raises PolicyDocumentError for one that the router could not use, and VersionMismatchError as the store does.
        """
        if problems := find_problems(await self._loader.load(), PolicyDocument(templates={name: document})):
            raise PolicyDocumentError(problems)
        return await self._store.create_version(name, document, actor, comment, base_version)

    async def preview(
        self, name: str, document: TemplateDocument, data: Mapping[str, Any], locale: str | None = None, zone: str = ""
    ) -> list[ContentPreview]:
        """What a document would render to with this data."""
        policy = merge_document(await self._loader.load(), PolicyDocument(templates={name: document}))
        return preview_template(CompiledPolicy(policy).templates, name, data, locale, zone)

    async def check(self, version: TemplateVersion, max_seconds: float = inf) -> VersionReport:
        """What publishing a version would do; if Kafka does not answer, without recorded payloads.

        After `max_seconds` no more of them are searched. Raises SimulationRunningError while another trial runs.
        """
        async with self._trials.admit():
            return await self._try(version, max_seconds)

    async def _try(self, version: TemplateVersion, max_seconds: float) -> VersionReport:
        policy = await self._loader.load()
        report = await asyncio.to_thread(build_report, policy, version)
        if self._payloads is None:
            return report
        try:
            payloads = await self._payloads(policy, version.name, self._database, max_seconds)
        except (RecordedNotificationsUnavailableError, RecordedNotificationsTooLargeError) as error:
            return msgspec.structs.replace(report, payloads=PayloadReport(0, problem=str(error)))
        # in a thread: hundreds of messages are rendered, and the gateway serves others meanwhile
        tried = await asyncio.to_thread(try_payloads, policy, version, payloads, self._costs)
        return msgspec.structs.replace(report, payloads=tried)

    async def publish(
        self,
        version: TemplateVersion,
        expected_version: int | None,
        actor: str,
        comment: str = "",
        *,
        force: bool = False,
        names_notifications: bool = True,
    ) -> VersionReport:
        """Publish a version that has no problems, and with `force` also one that fails on recorded payloads or could not be tried.

        `names_notifications`: whether failures have the ids of notifications.
        Raises PolicyDocumentError with the problems, RecordedNotificationsUnavailableError, and TemplateChangedError as the store does.
        """
        async with self._trials.admit(waits=True):  # whoever checks all day must not keep a version from being published
            report = await self._try(version, inf)
        if not names_notifications:
            report = hide_notifications(report)
        payloads = None if force else report.payloads
        failures = payloads.describe_failures() if payloads else []
        if report.problems or failures:
            raise PolicyDocumentError([*report.problems, *failures])
        if payloads and payloads.problem:
            raise RecordedNotificationsUnavailableError(payloads.problem)
        await self._store.publish(version.name, version.version, expected_version, actor, comment)
        return report

    async def get_previous_version(self, name: str) -> TemplateVersion | None:
        """The version that was published before the present one; None if there was none."""
        version = await self._store.get_previous_version(name)
        return None if version is None else await self._store.get_version(name, version)


def hide_notifications(report: VersionReport) -> VersionReport:
    """The report without the ids of notifications."""
    if (payloads := report.payloads) is None:
        return report
    failures = [msgspec.structs.replace(one, ids=[]) for one in payloads.failures]
    return msgspec.structs.replace(report, payloads=msgspec.structs.replace(payloads, failures=failures))


def find_preview_problems(locale: str | None, zone: str) -> Iterator[FieldProblem]:
    """Why nothing can be shown in this locale (None: each of the template) and time zone."""
    return find_place_problems("" if locale is None or locale in DEFAULT_LOCALES else locale, zone)


def build_report(policy: Policy, version: TemplateVersion) -> VersionReport:
    """What publishing a version would do to this policy: problems, changes of the samples, and gaps in the installation's locales."""
    name, document = version.name, version.document
    before, after = CompiledPolicy(policy), CompiledPolicy(_merge_version(policy, version))
    problems = find_problems(policy, PolicyDocument(templates={name: document}))
    rules = [rule for rule in policy.rules.values() if (rule.template or rule.type) == name]
    problems += [f"rule {rule.type}: {problem}" for rule in rules for _, problem in find_missing_templates(rule, after.templates)]
    changes = []
    for sample, data in document.samples.items():
        old = {one.place: one for one in preview_template(before.templates, name, data)}
        for new in preview_template(after.templates, name, data):
            if new.problem:
                variant = f", variant {new.variant}" if new.variant else ""
                problems.append(f"sample {sample}, {new.channel} {new.locale}{variant}: {new.problem}")
            else:
                changes.append(_compare(sample, old.get(new.place), new))
    locales = {template.locale or "default" for template in policy.templates}
    return VersionReport(name, version.version, version.published_version, problems, changes, [*find_gaps(document, locales)])


def try_payloads(
    policy: Policy, version: TemplateVersion, payloads: Sequence[RecordedPayload], costs: Mapping[ChannelName, float]
) -> PayloadReport:
    """What a version would make of recorded payloads, compared with this policy."""
    before, after = CompiledPolicy(policy).templates, CompiledPolicy(_merge_version(policy, version)).templates
    return check_payloads(before, after, version.name, payloads, costs)


def _merge_version(policy: Policy, version: TemplateVersion) -> Policy:
    """The policy in which this version is the one in force."""
    document = PolicyDocument(templates={version.name: version.document})
    return merge_document(policy, document, {version.name: version.version - 1})


def _compare(sample: str, old: ContentPreview | None, new: ContentPreview) -> SizeChange:
    size, segments = (old.size, old.sms.segments if old.sms else 0) if old else (0, 0)
    return SizeChange(new.channel, new.locale, sample, size, new.size, segments, new.sms.segments if new.sms else 0, new.variant)
