"""The operator's policy: rules by notification type, templates and rate limits; each struct is a row of PostgreSQL."""

from collections.abc import Mapping
from typing import Annotated, Final, Literal

from msgspec import Meta, Struct

from schemas.categories import Consent, QuietHoursPolicy
from schemas.channels import ChannelName
from schemas.enums import Priority
from schemas.lifetimes import MAX_DIGEST_WINDOW
from schemas.projects import DEFAULT_PROJECT, find_project

Strategy = Literal["all", "first", "escalate"]
EscalateUnless = Literal["sent", "delivered", "read"]

MAX_VERSION: Final = 2**31 - 1  # of a rule or template, as a column of PostgreSQL takes it
MAX_EXPRESSION: Final = 1000  # characters
MAX_DIGEST_COUNT: Final = 1000  # notifications in one digest: the decision log names each


class PriorityCase(Struct, frozen=True):
    """The priority of the notifications for which the expression `when` is true."""

    when: str
    priority: Priority


class DigestPolicy(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """How notifications are gathered into one: until `window` seconds after the first, or until the next time of `cron`.

    A digest with `max_count` of them is sent at once. `key` is an expression: those for which it gives the same text are gathered together;
    empty, the field `digest` of the notification does. `template` renders the digest; empty, that of the rule. Not `by_default`: only for
    users who chose a digest. The times of `cron` are in the user's zone.
    """

    window: Annotated[int, Meta(ge=0, le=MAX_DIGEST_WINDOW)] = 0
    cron: Annotated[str, Meta(max_length=100)] = ""
    max_count: Annotated[int, Meta(ge=2, le=MAX_DIGEST_COUNT)] = 100
    key: Annotated[str, Meta(max_length=MAX_EXPRESSION)] = ""
    template: Annotated[str, Meta(max_length=128)] = ""
    by_default: bool = True


class Rule(Struct, frozen=True):
    """How notifications of a type are routed; `strategy` selects all usable channels, or the first one, or one after the other.

    With `escalate` the next channel follows after `escalate_after` seconds, unless one was `escalate_unless` by then.
    The first true case of `priorities` sets the priority of the deliveries, else `priority`, else the topic of the notification.
    Empty `consent` and `quiet_hours` mean that the category decides (schemas/categories.py). A notification for which `condition` is not
    true is rejected. `expires_after` is in seconds; 0 means lifetimes.NOTIFICATION_EXPIRY. `email_options` is the JSON of
    email_options.EmailOptions, empty for none.
    """

    type: str
    category: str
    priority: Priority | None
    channels: tuple[ChannelName, ...]
    strategy: Strategy = "all"
    template: str = ""
    mandatory: bool = False
    version: int = 1
    consent: Literal["", Consent] = ""
    quiet_hours: Literal["", QuietHoursPolicy] = ""
    over_limit: Literal["reject", "hold"] = "reject"
    condition: str = ""
    priorities: tuple[PriorityCase, ...] = ()
    expires_after: int = 0
    digest: DigestPolicy | None = None
    escalate_after: int = 0
    escalate_unless: EscalateUnless = "delivered"
    email_options: str = ""


class Template(Struct, frozen=True):
    """The published version of a template for a channel and locale.

    `subject` is also the title of a push message, and `text` its body. `body` is that of a webhook. `template_id` is the id of a template
    at the provider of e-mails, instead of the other parts. `options` is the JSON of push_options.PushOptionsEntry.
    """

    name: str
    version: int
    channel: ChannelName
    locale: str
    subject: str = ""
    text: str = ""
    html: str = ""
    image: str = ""
    link: str = ""
    body: str = ""
    template_id: str = ""
    options: str = ""


class TemplateDetails(Struct, frozen=True):
    """What holds for all channels and locales of a template's version.

    `variables` is the JSON Schema of the data as JSON, empty for any data. `language` is that of the locale `default`. `samples` is the
    JSON of data by name, `variants` that of the variants by name (template_document.VariantEntry), which the `experiment` compares.
    `at_most_once`: what may have reached the provider is not sent again. `email_options` is as that of a rule.
    """

    name: str
    version: int
    variables: str = ""
    language: str = "en"
    samples: str = ""
    experiment: str = ""
    variants: str = ""
    at_most_once: bool = False
    email_options: str = ""


class Partial(Struct, frozen=True):
    """A piece or layout that templates of a locale include or extend: `html` in their HTML, `text` in their other parts."""

    name: str
    locale: str
    text: str = ""
    html: str = ""


class RateLimit(Struct, frozen=True):
    """At most `max_count` admitted notifications per user in any `window_seconds` (at most lifetimes.MAX_RATE_WINDOW).

    It counts those on its channel, of its category, of users with its tier; an empty one means all channels together, categories or tiers.
    It is for the users of its `project`, empty for the default one.
    """

    channel: ChannelName | Literal[""]
    max_count: int
    window_seconds: int
    category: str = ""
    tier: str = ""
    project: str = ""

    @property
    def key(self) -> tuple[str, str, str, int, str]:
        """What makes it another limit; two with one key would contradict each other."""
        return self.channel, self.category, self.tier, self.window_seconds, self.project


class Policy(Struct, frozen=True):
    """All rules, templates and rate limits at one moment.

    `projects`: the projects that there are, but for the default one. None: not known, and whatever has the form of an id of one is taken
    for one.
    """

    rules: Mapping[str, Rule]
    templates: tuple[Template, ...]
    rate_limits: tuple[RateLimit, ...]
    version: int = 0
    template_details: tuple[TemplateDetails, ...] = ()
    partials: tuple[Partial, ...] = ()
    projects: frozenset[str] | None = None

    def has_projects(self) -> bool:
        """Whether there may be projects other than the default one."""
        return self.projects is None or bool(self.projects)

    def find_project(self, stored_id: str) -> str:
        """The project of a stored id, if there is one with this name; empty for the default one."""
        project = find_project(stored_id)
        return project if self.projects is None or project in self.projects else DEFAULT_PROJECT
