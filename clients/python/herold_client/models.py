"""The bodies of requests and responses. Generated from docs/reference/openapi.json by `python -m dev.clients`; do not edit.

What a struct leaves out has its default or is UNSET, and is not sent. Unknown members of responses are ignored.
"""

from __future__ import annotations

from typing import Any, Literal

from msgspec import UNSET, Struct, UnsetType, field


class AcceptedResponse(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """It is being done; whether there is anything to do is not said."""

    status: Literal["accepted"] = "accepted"


class Account(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A person who may log in; times in epoch seconds. `version` is the ETag; `token_version` rises when all tokens are revoked."""

    id: str
    email: str
    name: str
    role: Role
    projects: list[str]
    state: Literal["active", "disabled"]
    token_version: int
    has_password: bool
    has_totp: bool
    passkeys: int
    last_login_at: float | None
    version: int
    created_at: float
    updated_at: float


class AccountActionBody(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Why something is done with an account, for the audit log."""

    reason: str = ""


class AccountBreaker(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A breaker that is open: deliveries by this account wait until a probe is permitted."""

    account: str
    channel: str
    cause: str
    open_until: float


class AccountChange(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What is changed of an account; what is left out stays as it is. A disabled account cannot log in, and its tokens end."""

    email: str | UnsetType = UNSET
    name: str | UnsetType = UNSET
    role: Role | UnsetType = UNSET
    projects: list[str] | UnsetType = UNSET
    state: Literal["active", "disabled"] | UnsetType = UNSET


class AccountPage(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A page of accounts, in the order of their creation."""

    items: list[Account]
    next_cursor: str | None = None


class AccountPause(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A pause of an account or webhook host (`https://shop.example.org:443`); times in epoch seconds, `ends_at` is null for never."""

    account: str
    reason: str
    paused_by: str
    paused_at: float
    ends_at: float | None = None


class AccountRequest(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A new account. Its person gets an e-mail with a link to choose a password, unless `notify` is false."""

    email: str
    role: Role
    name: str = ""
    projects: list[str] = []
    notify: bool = True


class ActiveFault(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A fault that is switched on: the seconds until it ends, and how many requests it matched and changed."""

    id: int
    ends_in: float
    matched: int
    changed: int
    fault: SimulatorFault


class ActiveFaults(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The faults that are switched on, the newest first; of several the newest that changes a request counts."""

    items: list[ActiveFault]


class ApiKey(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A key without its secret; `version` is the ETag. `last_used_at` is a minute late at most, and null for one that was not used yet.

    Until `previous_expires_at` the key before the last rotation can be used as well.
    """

    id: str
    name: str
    role: Role
    scopes: list[str]
    is_test: bool
    expires_at: float | None
    revoked_at: float | None
    previous_expires_at: float | None
    last_used_at: float | None
    created_at: float
    created_by: str
    version: int
    project: str = ""


class ApiKeyChange(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What changes of a key; what is left out stays as it is."""

    name: str | UnsetType = UNSET
    scopes: list[Permission] | UnsetType = UNSET
    expires_at: float | str | UnsetType | None = UNSET


class ApiKeyPage(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Keys in the order of their names; `next_cursor` is null on the last page."""

    items: list[ApiKey]
    next_cursor: str | None


class ApiKeyRequest(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A new key. It may do what its role and scopes say; one of a test (`is_test`) sends to the simulators only."""

    name: str
    role: Role
    scopes: list[Permission] = []
    is_test: bool = False
    expires_at: float | str | None = None


class Attachment(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A file: its name, its media type and its bytes in base64. With a `content_id`, HTML shows it as `<img src="cid:...">`."""

    filename: str
    type: str
    content: str
    content_id: str = ""


class AttemptResponse(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One call of a provider, or one event that a provider reported; `detail` is the provider's text or the error's.

    `next_attempt_at`: when the next attempt follows, if the delivery waits for it in the scheduler. `endpoint_id`: the registered webhook
    endpoint that the address is from, if it is from one.
    """

    occurred_at: float
    status: str
    redrive_count: int = 0
    attempt: int = 0
    outcome: str = ""
    reason: str = ""
    provider: str = ""
    provider_message_id: str = ""
    provider_code: int = 0
    duration_ms: float = 0.0
    possible_duplicate: bool = False
    detail: str = ""
    next_attempt_at: float | None = None
    endpoint_id: str = ""


class AttentionItem(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What needs somebody, in a sentence, with the page of the dashboard that shows it."""

    severity: Literal["critical", "notice", "warning"]
    kind: str
    text: str
    url: str


class Audience(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A stored audience; `version` is the ETag. Members are no part of it."""

    name: str
    kind: Literal["filter", "list"]
    filter: AudienceFilter | None
    description: str
    version: int
    created_at: float
    updated_at: float


class AudienceDefinition(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An audience as it is written: of the users who match the filter, or without one a list, whose members are a resource of their own."""

    filter: AudienceFilter | None = None
    description: str = ""


class AudienceFilter(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Conditions on users, all of which must hold; without any it takes all users."""

    tier: list[str] | UnsetType = UNSET
    locale: list[str] | UnsetType = UNSET
    time_zone: list[str] | UnsetType = UNSET
    attributes: dict[str, Any] | UnsetType = UNSET
    created_after: float | str | UnsetType = UNSET
    created_before: float | str | UnsetType = UNSET
    has_channel: list[Literal["email", "push", "sms", "webhook"]] | UnsetType = UNSET
    any: list[AudienceFilter] | UnsetType = UNSET
    not_: AudienceFilter | UnsetType = field(name="not", default=UNSET)


class AudiencePage(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Audiences in the order of their names; `next_cursor` is null on the last page."""

    items: list[Audience]
    next_cursor: str | None


class AuditEntry(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Who changed what, and from where; the time is in epoch seconds.

    `actor` is who it was in the words of the client, `principal` who was authenticated.
    """

    id: str
    actor: str
    action: str
    object_type: str
    object_id: str
    details: dict[str, Any]
    occurred_at: float
    principal: str = ""
    client_address: str = ""
    user_agent_hash: str = ""
    request_id: str = ""


class AuditPage(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Entries of the audit log, newest first; `next_cursor` is null on the last page."""

    items: list[AuditEntry]
    next_cursor: str | None


class Balance(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What was accepted, of that what is final and what is in flight, by state or status, and what is neither; that must be 0."""

    accepted: int
    final: dict[str, int]
    in_flight: dict[str, int]
    imbalance: int


class Broadcast(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A stored broadcast; `total_count` is null until it starts, `expanded_count` is of users whose notification is in Kafka.

    `audience` is empty if it is to `user_count` users that the request named. `counts` is null before the first count, and `cancellation`
    unless it is cancelled.
    """

    id: str
    audience: str
    user_count: int
    schedule_id: str | None
    run_at: float | None
    notification: BroadcastNotification
    priority: Literal["high", "low", "medium"] | None
    rate: int | None
    state: Literal["cancelled", "done", "failed", "paused", "pending", "running"]
    total_count: int | None
    expanded_count: int
    created_at: float
    started_at: float | None
    ended_at: float | None
    created_by: str
    error: str
    version: int
    counts: BroadcastCounts | None
    cancellation: BroadcastCancellation | None


class BroadcastActionRequest(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Why a broadcast or schedule is paused, resumed, cancelled or run, for the audit log; the body may be empty."""

    reason: str = ""


class BroadcastCancellation(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How far the cancel of a broadcast is, which also cancels what waits in the scheduler.

    `checked_count`: notifications that the pass in hand has looked at. `waiting_count`: what waited when the last pass looked; null before
    the first one. `cancelled_count`: notifications and deliveries that the scheduler has cancelled. `is_done`: nothing waits any more.
    """

    is_done: bool
    checked_count: int
    waiting_count: int | None
    cancelled_count: int


class BroadcastCounts(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What became of the notifications of a broadcast and of their deliveries, as of `counted_at`.

    `decided_count`: notifications that were decided, each once. `waiting_count`: what the scheduler holds of them: what is held, and
    retries; if the broadcast was cancelled also digests and next channels. `notifications`: by state; `deliveries`: by status, PENDING if
    there is no result yet. The reasons are those that there are, by state and by status.
    """

    counted_at: float
    decided_count: int
    waiting_count: int
    notifications: dict[str, int]
    notification_reasons: dict[str, dict[str, int]]
    deliveries: dict[str, int]
    delivery_reasons: dict[str, dict[str, int]]


class BroadcastNotification(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What each user gets: a notification without user, addresses, id and idempotency key."""

    type: str
    category: str | None = None
    channels: list[Literal["email", "push", "sms", "webhook"]] | None = None
    template: str | None = None
    data: dict[str, Any] = {}
    locale: str | None = None
    send_at: float | str | None = None
    expires_at: float | str | None = None
    digest: str | None = None
    mandatory: bool = False


class BroadcastPage(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Broadcasts, newest first; `next_cursor` is null on the last page."""

    items: list[Broadcast]
    next_cursor: str | None


class BroadcastRequest(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A broadcast to an audience or to these users; with `preview` it is checked and counted, and not created."""

    notification: BroadcastNotification
    id: str | None = None
    audience: str | None = None
    user_ids: list[str] | None = None
    priority: Literal["high", "low", "medium"] | None = None
    rate: int | None = None
    preview: bool = False


class BulkResult(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The result for one notification of a bulk request; an `unavailable` one may be submitted again with this id."""

    index: int
    status: Literal["accepted", "invalid", "unavailable"]
    id: str = ""
    priority: Literal["high", "low", "medium"] | None = None
    errors: list[FieldError] = []


class BulkSubmission(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The body of a bulk request that is an object instead of an array."""

    notifications: list[Submission]


class BulkSubmissionResponse(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The result for each notification of a bulk request, in the order of the request, and their counts."""

    accepted: int
    invalid: int
    unavailable: int
    results: list[BulkResult]


class BurnRate(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How fast the budget of an objective is used: 1 uses exactly all of it; null without enough volume."""

    window_seconds: int
    count: int
    rate: float | None
    has_volume: bool


class CauseGroup(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The dead letters of one cause: how many, how many of them open, the times of the first and the last, and the last as an example."""

    cause: str
    count: int
    open_count: int
    first_seen_at: float
    last_seen_at: float
    example: StoredDeadLetter


class CauseList(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The most frequent causes of dead letters, each with its newest one as an example."""

    items: list[CauseGroup]


class ChannelUsage(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What the messages of a channel take with the published version and with the new one: bytes, SMS segments, and cost.

    Only messages count that both versions render, each on every channel that it or its rule names. The cost is in the
    currency of the setting `costs`, and 0 if it is not set.
    """

    channel: Literal["email", "push", "sms", "webhook"]
    messages: int
    size_before: int = 0
    size_after: int = 0
    segments_before: int = 0
    segments_after: int = 0
    cost_before: float = 0.0
    cost_after: float = 0.0


class CheckRequest(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The version that may be published."""

    version: int


class CheckpointBody(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A signed head: `hash` in hex digits, `created_at` in microseconds since 1970, the Ed25519 signature in base64."""

    number: int
    hash: str
    created_at: int
    key_id: str
    signature: str


class CloudEvent(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An event by CloudEvents 1.0. The extensions userid, category, template, locale, priority, channels, sendat and expiresat are fields of the notification."""

    specversion: Literal["1.0"]
    id: str
    source: str
    type: str
    subject: str | UnsetType = UNSET
    time: str | UnsetType = UNSET
    datacontenttype: str | UnsetType = UNSET
    dataschema: str | UnsetType = UNSET
    data: dict[str, Any] | UnsetType = UNSET
    data_base64: str | UnsetType = UNSET


class Cohort(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The deliveries of the notifications that were submitted on a day or in a week from `at` on, as they are now."""

    at: int
    accepted: int
    deliveries: int
    sent: int
    delivered: int
    failed: int
    bounced: int
    unsubscribed: int
    opened: int
    clicked: int


class CohortResponse(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Cohorts by the day or week (UTC, from Monday on) of submission, oldest first."""

    from_: int = field(name="from")
    to: int
    step: int
    as_of: float
    cohorts: list[Cohort]


class ConfirmationBody(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The password, which a change of how one logs in needs if the login is longer ago than ten minutes."""

    password: str = ""


class ConsentEvent(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A change of a preference or suppression: who changed what, when and from where. The time is in epoch seconds."""

    id: str
    user_id: str
    category: str
    channel: str
    address: str
    change: Literal["preference_deleted", "preference_set", "suppressed", "suppression_undone"]
    old_choice: str
    new_choice: str
    source: Literal["api", "callback", "cli", "import", "link"]
    actor: str
    reason: str
    occurred_at: float


class ConsentEventPage(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Changes of preferences and suppressions, newest first; `next_cursor` is null on the last page."""

    items: list[ConsentEvent]
    next_cursor: str | None


class ConsentProof(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A signed proof of a user's consent (docs/guide/consent.md). Times in microseconds since 1970."""

    format: str
    user_id: str
    created_at: int
    key_id: str
    public_keys: dict[str, str]
    entries: list[dict[str, Any]]
    segments: list[dict[str, Any]]
    deliveries: list[dict[str, Any]]
    signature: str


class ContentPreview(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a template renders to on one channel: the content with its size in bytes, or the problem and its reason.

    `variant` is empty if the template has none.
    """

    channel: Literal["email", "push", "sms", "webhook"]
    locale: str
    content: dict[str, Any] | None = None
    size: int = 0
    sms: SmsSegments | None = None
    reason: str = ""
    problem: str = ""
    variant: str = ""


class CountChange(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How often something happens before and after."""

    before: int
    after: int


class CreatedApiKey(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A key with its text, which is shown only now."""

    id: str
    name: str
    role: Role
    scopes: list[str]
    is_test: bool
    expires_at: float | None
    revoked_at: float | None
    previous_expires_at: float | None
    last_used_at: float | None
    created_at: float
    created_by: str
    version: int
    project: str = ""
    key: str


class CreatedEndpoint(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An endpoint with its new secret, which is shown only now; with ed25519 it is empty: the public key is in `secrets`."""

    id: str
    kind: Literal["status", "user"]
    user_id: str | None
    url: str
    description: str
    types: list[str]
    categories: list[str]
    statuses: list[str]
    signature: Literal["ed25519", "hmac"]
    is_enabled: bool
    disabled_reason: Literal["", "failing", "gone", "operator"]
    disabled_at: float | None
    secrets: list[SecretInfo]
    version: int
    created_at: float
    updated_at: float
    is_test: bool = False
    ordered: bool = False
    secret: str


class DailyCount(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Messages to a user that the providers of a channel accepted on a day (UTC)."""

    day: str
    channel: Literal["email", "push", "sms", "webhook"]
    sent: int


class DeadLetterCounts(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Dead letters that are open, and those of the last hour and of the hour before it; each counted up to MAX_COUNTED."""

    open: int
    last_hour: int
    hour_before: int


class DeadLetterDetails(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A dead letter with its record. `value` is its JSON, masked unless the exact bytes were asked for; null if it is no JSON.

    `decode_error` says why it is none, and `hex_view` shows its first 4096 bytes, with x for each letter and digit if masked.
    `value_base64` has the exact bytes if they were asked for. `is_masked`: the exact bytes were not asked for.
    """

    dead_letter: StoredDeadLetter
    is_masked: bool
    key: str | None
    source_headers: list[SourceHeader]
    value: Any
    decode_error: str
    hex_view: list[str]
    value_base64: str | None


class DeadLetterFilter(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Which dead letters are meant: those that have all of what is given. `since` and `until` are epoch seconds of their records.

    `max_redrive_count`: those that were redriven so often at most before they died again.
    """

    reason: str | None = None
    stage: Literal["delivery", "recorder", "router", "scheduler"] | None = None
    channel: Literal["email", "push", "sms", "webhook"] | None = None
    type: str | None = None
    user_id: str | None = None
    notification_id: str | None = None
    account: str | None = None
    state: Literal["discarded", "open", "redriven"] | None = None
    cause: str | None = None
    since: float | None = None
    until: float | None = None
    max_redrive_count: int | None = None


class DeadLetterPage(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Dead letters, newest first; `next_cursor` is null on the last page. Addresses in errors are redacted."""

    items: list[StoredDeadLetter]
    next_cursor: str | None


class DeliveryPage(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Deliveries, newest or oldest first; `next_cursor` is null on the last page."""

    items: list[FoundDelivery]
    next_cursor: str | None


class DeliveryResponse(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A delivery, its attempts and what providers reported, oldest first; its status is PENDING until its first attempt is recorded.

    The times are the first of each kind, null while nothing says so: `opened_at` and `clicked_at` as the provider or the app reports it.
    `variant`: the experiment and the variant of its template, `order-shipped/short`, if there is an experiment.
    """

    id: str
    channel: Literal["email", "push", "sms", "webhook"]
    status: str
    reason: str = ""
    provider: str = ""
    attempts: list[AttemptResponse] = []
    variant: str = ""
    sent_at: float | None = None
    delivered_at: float | None = None
    opened_at: float | None = None
    clicked_at: float | None = None


class Device(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A device of a user; times in epoch seconds."""

    token: str
    kind: str
    platform: str
    last_seen_at: float | None
    updated_at: float


class DeviceChange(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What is written of a device; what is left out stays as it is."""

    kind: str | UnsetType = UNSET
    platform: str | UnsetType = UNSET
    last_seen_at: float | str | UnsetType | None = UNSET


class DevicePage(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Devices of a user in the order of their tokens; `next_cursor` is null on the last page."""

    items: list[Device]
    next_cursor: str | None


class DigestPolicy(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How notifications are gathered into one: until `window` seconds after the first, or until the next time of `cron`.

    A digest with `max_count` of them is sent at once. `key` is an expression: those for which it gives the same text are gathered together;
    empty, the field `digest` of the notification does. `template` renders the digest; empty, that of the rule. Not `by_default`: only for
    users who chose a digest. The times of `cron` are in the user's zone.
    """

    window: int = 0
    cron: str = ""
    max_count: int = 100
    key: str = ""
    template: str = ""
    by_default: bool = True


class DiscardReason(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Why a dead letter is discarded."""

    reason: str


class DiscardRequest(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Why dead letters are discarded: the open ones that a filter selects, or these."""

    reason: str
    filter: DeadLetterFilter | None = None
    ids: list[str] | None = None


class DiscardResponse(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How many dead letters were discarded; those that were not open any more, or that a redrive is about to send, do not count."""

    count: int


class DraftRequest(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The next version of a template; with `base_version` only if that is still the latest one, 0 if there is none."""

    document: TemplateDocument
    comment: str = ""
    base_version: int | None = None


class EmailOptions(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Where answers go, further headers, and what SendGrid counts and reports by: categories and custom arguments.

    `cc` and `bcc` are only for rules: each address gets every e-mail of the rule.
    """

    reply_to: str = ""
    headers: dict[str, str] = {}
    categories: list[str] = []
    custom_args: dict[str, str] = {}
    cc: list[str] = []
    bcc: list[str] = []


class EmptyBody(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A request that says nothing more."""


class EndpointActionRequest(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Why an endpoint is enabled or disabled, for the audit log; the body may be empty."""

    reason: str = ""


class EndpointAttempt(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One attempt to deliver a webhook to an endpoint.

    `attempt` is 0 for the first one; `code` is the HTTP status of the answer, 0 for none.
    `notification_id` and `type` are those of the notification; null and empty for a webhook of Herold's own: a ping, or the status of a
    delivery. `outcome` is ACCEPTED, or why it failed; `status` and `reason` are what the delivery became by it. `detail` says it in the
    words of the error. `next_attempt_at`: when the next attempt follows; null if none does.
    """

    id: str
    occurred_at: float
    delivery_id: str
    notification_id: str | None
    user_id: str
    type: str
    attempt: int
    redrive_count: int
    outcome: Outcome
    status: Status
    reason: str
    code: int
    duration_ms: float
    possible_duplicate: bool
    detail: str
    next_attempt_at: float | None


class EndpointAttemptPage(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Attempts at an endpoint, the newest first; `next_cursor` is null on the last page."""

    items: list[EndpointAttempt]
    next_cursor: str | None


class EndpointChange(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What changes of an endpoint; what is left out stays as it is."""

    url: str | UnsetType = UNSET
    description: str | UnsetType = UNSET
    types: list[str] | UnsetType = UNSET
    categories: list[str] | UnsetType = UNSET
    statuses: list[Literal["BOUNCED", "DELIVERED", "FAILED", "SENT", "UNSUBSCRIBED"]] | UnsetType = UNSET
    ordered: bool | UnsetType = UNSET


class EndpointHour(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The calls of an hour, which begins at `at`: those answered with 2xx, and all others."""

    at: float
    succeeded: int
    failed: int


class EndpointRequest(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A new endpoint: of a user, who gets webhooks of notifications; or of kind `status`, which gets the statuses of all deliveries.

    `is_test`: a status endpoint that gets the statuses of tests, and no others.
    """

    url: str
    kind: Literal["status", "user"] = "user"
    user_id: str | None = None
    description: str = ""
    types: list[str] = []
    categories: list[str] = []
    statuses: list[Literal["BOUNCED", "DELIVERED", "FAILED", "SENT", "UNSUBSCRIBED"]] = []
    signature: Literal["ed25519", "hmac"] = "hmac"
    is_test: bool = False
    ordered: bool = False


class EndpointStatistics(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The calls of an endpoint by hour, without hours that had none; `success_rate` is between 0 and 1, null without calls.

    `failing_since` is the first failure since the last success, null if the last call succeeded.
    """

    succeeded: int
    failed: int
    success_rate: float | None
    last_success_at: float | None
    last_failure_at: float | None
    failing_since: float | None
    last_code: int
    hours: list[EndpointHour]


class Erasure(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A user who was erased: how many data keys were destroyed, and how many rows of each kind are gone or have no address any more."""

    id: str
    user_id: str
    erased_at: float
    erased_by: str
    reason: str
    counts: dict[str, int]


class ErasureRequest(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An order to erase a user."""

    reason: str = ""


class ExperimentCounts(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The deliveries of each variant that were submitted after `since` (epoch seconds); an empty experiment has no variants.

    A delivery counts from its first attempt on.
    """

    template: str
    experiment: str
    since: float
    variants: list[VariantCounts]


class ExplanationResponse(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Why a notification has its state: a sentence, the gate results in order, and the attempts and later events of each delivery.

    `remedy` is what would have changed the result, as a clause. Times in texts are in `time_zone`, the user's, with UTC. `rule` and
    `templates` (by channel) have their versions. `duplicate_of` is the notification that this one repeats, or into which it was merged,
    and `duplicate_of_path` its explanation; `broadcast` the one that it comes from. What is not known is empty or 0. `held_until` is when
    it is decided again, `escalates_at` when its next channel may follow; null if it is not held, or has no further channel.
    """

    id: str
    state: str
    summary: str
    remedy: str
    user_id: str
    type: str
    category: str
    priority: str
    time_zone: str
    created_at: float
    decided_at: float
    expires_at: float
    rule: str
    templates: dict[str, str]
    duplicate_of: str
    duplicate_of_path: str
    broadcast: str
    held_until: float | None
    escalates_at: float | None
    gates: list[GateResponse]
    deliveries: list[DeliveryResponse]


class FieldChange(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A field whose value differs; a value is null where there is no rule or the field is not set."""

    field: str
    old: Any
    new: Any


class FieldError(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An invalid part of a request: its JSONPath, its JSON Pointer as far as known, a text, and a reason code."""

    path: str
    pointer: str
    detail: str
    reason: str = "invalid"


class FirstAdminBody(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The first account, by the link that the gateway has printed."""

    token: str
    email: str
    password: str
    name: str = ""


class FoundDelivery(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The current state of a delivery, of which at least one event is recorded, with what its notification says.

    `provider` is the account that it was given to last. Times are in epoch seconds, null if nothing says so. What is not recorded yet is
    empty. The address is not there: the history has none.
    """

    id: str
    notification_id: str
    user_id: str
    channel: Literal["email", "push", "sms", "webhook"]
    status: Status
    reason: str
    outcome: str
    provider: str
    provider_message_id: str
    attempt: int
    redrive_count: int
    variant: str
    priority: str
    category: str
    type: str
    created_at: float
    updated_at: float
    sent_at: float | None
    delivered_at: float | None
    opened_at: float | None
    clicked_at: float | None


class FunnelResponse(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What became of the notifications that were submitted in a time."""

    from_: int = field(name="from")
    to: int
    as_of: float
    steps: list[FunnelStep]


class FunnelStep(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A step of the funnel, and whether it counts notifications or deliveries, of which a notification may have several."""

    name: str
    counts: str
    count: int


class GateResponse(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The result of one gate of the router: its verdict, the reason and what that means, and the inputs, also in words.

    `remedy` is what would have changed the verdict; empty if the notification passed. Addresses are redacted.
    """

    gate: str
    verdict: str
    reason: str
    meaning: str
    description: str
    remedy: str
    inputs: dict[str, Any]


class HeldChangeResponse(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A change of a held notification that is requested and not known to be carried out; `path` shows the notification."""

    id: str
    path: str
    status: Literal["requested"] = "requested"


class IdempotencyKeyResponse(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An idempotency key that is in force: the first notification with it, and until when a second one is a duplicate.

    A notification without a key has its id as the key.
    """

    key: str
    notification_id: str
    received_at: float
    expires_at: float


class JwkSet(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The public keys of access tokens (RFC 7517)."""

    keys: list[dict[str, str]]


class KeyRevocation(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Why a key is revoked, for the audit log; the body may be empty."""

    reason: str = ""


class KeyRotation(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A new secret; for `overlap` seconds the key before can be used as well. 0, for one that leaked: it ends at once."""

    overlap: int = 86400


class Lag(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What waits: records, and the seconds that the first of them has waited at least."""

    messages: int
    seconds: float


class LatencyPoint(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How long hand-overs of a step took: percentiles in seconds, and how many were within the target of their priority."""

    at: int
    count: int
    p50: float
    p95: float
    p99: float
    within_target: int


class LatencyResponse(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Hand-over times by steps of submission."""

    group_by: Literal["channel", "none", "priority"]
    from_: int = field(name="from")
    to: int
    step: Literal[60, 3600, 86400]
    as_of: float
    series: list[LatencySeries]


class LatencySeries(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The steps of a priority or channel that have any hand-over, oldest first."""

    key: str
    points: list[LatencyPoint]


class LedgerResponse(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Accepted = final + in flight, of notifications and of their deliveries; `imbalance` is the sum of both, and must be 0."""

    from_: float = field(name="from")
    to: float
    as_of: float
    accepted: int
    final: dict[str, int]
    in_flight: int
    imbalance: int
    notifications: Balance
    deliveries: Balance
    unaccounted: list[str]


class LinkPasswordBody(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A new password, by a link of an e-mail."""

    token: str
    password: str


class LiveTicket(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A ticket for one WebSocket, and how many seconds it can be used."""

    ticket: str
    expires_in: int


class LivenessResponse(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The process answers."""

    status: Literal["alive"] = "alive"


class LocaleGap(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A locale that a channel does not have, or has without some parts; `uses` is the locale whose text its users get, empty for none."""

    channel: Literal["email", "push", "sms", "webhook"]
    locale: str
    uses: str = ""
    missing_parts: list[str] = []


class LogHead(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The head of one log: number and hash of its last linked entry, how many entries wait to be linked, and the last checkpoint."""

    log: str
    number: int
    hash: str
    unlinked: int
    checkpoint: CheckpointBody | None


class LogHeads(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The heads of the audit log and of consent; `public_key` verifies new checkpoints: 32 bytes in base64, empty if nothing is signed."""

    logs: list[LogHead]
    public_key: str


class LoginBody(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A login by password; `code` if the account has an authenticator app."""

    email: str
    password: str
    code: str = ""
    project: str | None = None
    cookie: bool = False


class LoginMethodsResponse(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How people can log in here; no way at all where `auth` is not set. A login at `oidc` begins at /v1/auth/oidc/start."""

    password: bool
    passkey: bool
    oidc: LoginProvider | None


class LoginProvider(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An OpenID provider, by the name that people know."""

    name: str


class LogoutBody(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A refresh token in the body; without one, that in the cookie."""

    refresh_token: str = ""


class MemberChange(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Users who are added to a list and removed from it; with `preview` they are only checked and counted."""

    add: list[str] = []
    remove: list[str] = []
    preview: bool = False


class MemberCounts(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How many users were added to a list and removed from it; who was in it, or not, does not count."""

    added: int
    removed: int


class MemberPage(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The ids of the users of an audience, in order; `next_cursor` is null on the last page."""

    items: list[str]
    next_cursor: str | None


class MessageField(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A header, or another part of a request, with its value."""

    name: str
    value: str


class NextRuns(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The times of the next five runs, in epoch seconds; fewer if there are not so many."""

    next_runs: list[float]


class NotificationChange(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A request to move a held notification."""

    send_at: float | str


class NotificationPage(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Notifications, newest first; `next_cursor` is null on the last page."""

    items: list[NotificationResponse]
    next_cursor: str | None


class NotificationPreviewResponse(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What would become of a notification that is submitted at `judged_at`: a sentence, each gate, and each delivery with its content.

    `state` is `replayed` if the user's notification with this id was decided before: nothing would happen. `held_until` is when it would
    be decided again, `next_channel_at` when an escalation would go on; null if it is not held, or has no further channel. `duplicate_of` is
    the notification that it would repeat, or the digest that it would join. `gates_not_reached` would not be asked. `unknown` has for each
    table that could not be read in full why; the notification is judged as if the rest of it were empty.
    """

    state: Literal["dead", "held", "merged", "rejected", "replayed", "routed"]
    reason: str
    summary: str
    remedy: str
    user_id: str
    type: str
    category: str
    priority: Literal["high", "low", "medium"]
    rule: str
    time_zone: str
    judged_at: float
    expires_at: float
    held_until: float | None
    next_channel_at: float | None
    duplicate_of: str
    gates: list[GateResponse]
    gates_not_reached: list[str]
    deliveries: list[PreviewedDelivery]
    unknown: dict[str, str]


class NotificationPushOptions(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The options of one notification, which come before those of its template; what is empty is the template's.

    They are checked as a submission is decoded, so that none of them can fail later.
    """

    collapse_key: str = ""
    priority: Literal["", "high", "normal"] = ""
    urgency: Literal["", "high", "low", "normal", "very-low"] = ""
    sound: str = ""
    badge: int | None = None
    channel_id: str = ""
    click_action: str = ""
    category: str = ""
    interruption_level: Literal["", "active", "critical", "passive", "time-sensitive"] = ""
    mutable_content: bool = False


class NotificationRecord(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A record of Kafka about the notification; `at` is its time there, `size` that of its value in bytes.

    `topic` has the prefix of the installation. `delivery_id` is empty for a record about all of the notification, `attempt` (from 0 on)
    null for one without.
    """

    kind: Literal[
        "cancel", "dead_letter", "decided", "delivery", "engagement", "notification", "receipt", "reschedule", "scheduled", "status"
    ]
    topic: str
    partition: int
    offset: int
    at: float
    size: int
    delivery_id: str
    attempt: int | None
    redrive_count: int


class NotificationRecordsResponse(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What Kafka still has of a notification, by the times of the records, and what its deliveries said.

    Nothing of it is in PostgreSQL. Kafka keeps notifications and statuses for 7 days, deliveries for 3. `is_complete`: all times at which
    something happened were searched; else a bound ended the search.
    """

    records: list[NotificationRecord]
    contents: list[RecordedContent]
    is_complete: bool


class NotificationResponse(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A notification; `state` is `accepted` until its decision or an attempt is recorded. A `final` one does not change any more.

    One that is `held` has `held_until`, when it is decided again, and the reason why it waits. One whose next channel may follow has
    `escalates_at`; the `reason` of one that is `routed` says why no further channel follows. `redrive_count` says how often it was redriven
    as a dead letter; attempts have that of their delivery. `read_at` is when it was first read: opened or clicked on a channel, or marked
    as read by the app of its producer; null if nothing says so.
    """

    id: str
    state: str
    priority: str = ""
    final: bool = False
    user_id: str = ""
    type: str = ""
    category: str = ""
    reason: str = ""
    duplicate_of: str = ""
    created_at: float = 0.0
    decided_at: float = 0.0
    expires_at: float = 0.0
    held_until: float | None = None
    escalates_at: float | None = None
    deliveries: list[DeliveryResponse] = []
    redrive_count: int = 0
    read_at: float | None = None


class ObjectiveState(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How an objective is kept. `attained` and `budget_left` (1: all, below 0: overdrawn) are null without enough volume."""

    priority: Literal["high", "low", "medium"]
    target_seconds: float
    objective: float
    window_seconds: int
    count: int
    within_target: int
    attained: float | None
    budget_left: float | None
    has_volume: bool
    burn: list[BurnRate]


class ObjectivesResponse(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How the objective of each priority is kept."""

    as_of: float
    min_count: int
    priorities: list[ObjectiveState]


class OpenBreaker(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Why the calls of an account or host are stopped, when the next probe is permitted, since when, and the worker that says so.

    Times in epoch seconds; `opened_at` is null if it is not known.
    """

    cause: str
    open_until: float
    opened_at: float | None = None
    worker: str = ""


class OpenDigestResponse(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A digest that gathers notifications until `ends_at`, or until it is sent, if something still holds it then.

    `key` tells digests of one type apart. `cause` is what ends it: its `window`, something in it that would expire (`expiry`), or, if it is
    full, its `count` or `size`.
    """

    id: str
    type: str
    key: str
    count: int
    started_at: float
    ends_at: float
    priority: Literal["high", "low", "medium"]
    cause: str


class OverviewResponse(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Whether the installation is well. A part whose source has never answered is null, and `sources` says why."""

    read_at: float
    sources: dict[str, SourceState]
    queues: list[PriorityQueue] | None
    held: int | None
    roles: list[RoleSummary]
    breakers: list[AccountBreaker] | None
    dead_letters: DeadLetterCounts | None
    attention: list[AttentionItem]


class PartitionState(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A partition of a topic: its end, the offset from which its role goes on, what waits, and the worker that reads it."""

    partition: int
    end_offset: int
    committed_offset: int
    lag: Lag
    worker: str | None


class Passkey(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A WebAuthn credential of an account; times in epoch seconds."""

    id: str
    name: str
    created_at: float
    last_used_at: float | None


class PasskeyBody(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A new passkey, with a name for the list."""

    credential: dict[str, Any]
    name: str = ""


class PasskeyList(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The passkeys of an account."""

    items: list[Passkey]


class PasskeyLoginBody(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The answer of a passkey."""

    credential: dict[str, Any]
    project: str | None = None
    cookie: bool = False


class PasswordChangeBody(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A new password, with the one before."""

    password: str
    new_password: str


class PasswordResetBody(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Whose password is forgotten."""

    email: str


class PauseRequest(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Which account is paused and why; `ends_at`, null for never, is when it is resumed by itself."""

    account: str
    reason: str
    ends_at: float | str | None = None


class PayloadFailure(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Why a version cannot be rendered on a channel and in a locale, with how many recorded notifications, and the ids of some of them.

    Who may not read notifications gets no ids.
    """

    channel: Literal["email", "push", "sms", "webhook"]
    locale: str
    reason: str
    problem: str
    count: int
    ids: list[str]


class PayloadReport(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a version makes of the newest recorded notifications of its template.

    `failures` are those that the published version does not have, a few for many; `failed` counts their notifications, and
    `failed_before` those that fail with both versions. `problem` says why nothing was compared.
    """

    payloads: int
    failed: int = 0
    failed_before: int = 0
    failures: list[PayloadFailure] = []
    usage: list[ChannelUsage] = []
    problem: str = ""


class PersonChange(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What people change of their own account."""

    name: str


class PersonResponse(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Who is logged in, what the role allows, and in which project and session.

    `features`: what this installation has that others have not: `simulators` on a local stack, `projects` beside the default one.
    """

    account: Account
    permissions: list[str]
    project: str
    session_id: str
    features: list[Literal["projects", "simulators"]]


class PingRequest(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A test webhook; `data` goes into its payload beside the id of the endpoint. The body may be empty."""

    data: dict[str, Any] = {}


class PingResult(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What became of a test webhook: the status of its delivery, and the HTTP status of the endpoint's answer, 0 if there is none."""

    delivery_id: str
    status: Status
    reason: str = ""
    code: int = 0
    duration_ms: float = 0.0
    detail: str = ""


class Preference(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A user's choice for a category and a channel; an empty one stands for all, and the most specific choice decides."""

    choice: Literal["in", "out"]
    category: str = ""
    channel: Literal["", "email", "push", "sms", "webhook"] = ""
    digest: Literal["", "daily", "hourly", "off", "weekly"] = ""


class PreferenceChange(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A new choice, or null to delete what was chosen for this category and channel."""

    choice: Literal["in", "out"] | None
    category: str = ""
    channel: Literal["", "email", "push", "sms", "webhook"] = ""
    digest: Literal["", "daily", "hourly", "off", "weekly"] = ""


class PreferenceList(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The preferences of a user by category and channel."""

    items: list[Preference]


class PreferencePatch(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The preferences of a user that change; `reason` is for the history."""

    items: list[PreferenceChange]
    reason: str = ""


class PreferenceSet(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """All preferences of a user; `reason` is for the history."""

    items: list[Preference]
    reason: str = ""


class PreviewRequest(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What is to be shown: a document, else a version, else the published one; with data, else a sample, else the first sample."""

    document: TemplateDocument | None = None
    version: int | None = None
    data: dict[str, Any] | None = None
    sample: str | None = None
    locale: str | None = None
    time_zone: str = ""


class PreviewResponse(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a template renders to, and the locales in which it is not complete."""

    contents: list[ContentPreview]
    gaps: list[LocaleGap]


class PreviewedDelivery(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A delivery that there would be: the masked address, the template with version and locale, and the content as it would be sent.

    `size` is that of the content in bytes; `sms` counts the segments of a text message. Links in the content are samples. Of files there
    are name and media type.
    """

    channel: Literal["email", "push", "sms", "webhook"]
    address: str
    template: str
    variant: str
    content: dict[str, Any]
    size: int
    sms: SmsSegments | None


class PriorityCaseEntry(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The priority of the notifications for which the expression `when` is true."""

    when: str
    priority: Literal["high", "low", "medium"]


class PriorityQueue(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What waits of a priority: at the router, and at the delivery workers, with the first of each."""

    priority: Literal["high", "low", "medium"]
    router: Lag
    deliveries: Lag


class ProbeResult(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The last result of one readiness probe."""

    status: Literal["degraded", "down", "ok"]
    detail: str = ""


class ProblemDetails(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A problem document (RFC 9457); `code` is its stable name, on which a client can decide, and `request_id` finds the log line.

    A retry repeats `ids`, in the order of the request, so that duplicates are recognised; `retry_after` is in seconds. `permission` is the
    one that is missing, `resource` the path of what an earlier request made.
    """

    type: str
    title: str
    status: int
    detail: str
    errors: list[FieldError] = []
    ids: list[str] = []
    retry_after: int = 0
    permission: str = ""
    code: str = ""
    request_id: str = ""
    resource: str = ""


class Project(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A project; `version` is the ETag, the time is in epoch seconds. What is null is as the settings say."""

    id: str
    name: str
    weight: int
    rate: float | None
    burst: int | None
    encrypts: bool | None
    created_at: float
    created_by: str
    version: int


class ProjectChange(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What changes of a project; what is left out stays as it is."""

    name: str | UnsetType = UNSET
    weight: int | UnsetType = UNSET
    rate: float | UnsetType | None = UNSET
    burst: int | UnsetType | None = UNSET
    encrypts: bool | UnsetType | None = UNSET


class ProjectPage(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Projects in the order of their ids; `next_cursor` is null on the last page."""

    items: list[Project]
    next_cursor: str | None


class ProjectRequest(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A new project."""

    id: str
    name: str
    weight: int = 1
    rate: float | None = None
    burst: int | None = None
    encrypts: bool | None = None


class ProviderAccount(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An account of a channel, by the name of its section in the settings.

    `weight` is its share, compared with the other accounts of the channel; `calls_per_second` is the limit of all workers, null for none.
    `call_burst` calls may be made at once, and `calls_used` of them are used now: they come back at `calls_per_second`. Both are null
    without a limit, and for webhooks, whose limit is that of each host; `calls_used` also while Redis does not answer.
    Tests go to an account with `is_test`. `breaker` is null if it is closed, or not known. `pause` is null if no operator has paused it.
    `p95_ms`: 95 of 100 calls took no longer, of its `measured_calls` newest ones of the last hour; null without calls. `errors` are the
    most frequent ones.
    """

    name: str
    channel: Literal["email", "push", "sms", "webhook"]
    weight: int
    is_test: bool
    calls_per_second: float | None
    breaker: OpenBreaker | None
    pause: AccountPause | None = None
    p95_ms: float | None = None
    measured_calls: int = 0
    errors: list[ProviderError] = []
    call_burst: int | None = None
    calls_used: int | None = None


class ProviderAccounts(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """All accounts, and the webhook hosts whose breakers are open, at most 200; `knows_breakers` is false while Redis does not answer: then
    neither breakers nor used calls are known.

    `pauses` are all that operators have made, also those of webhook hosts. `knows_history` is false while PostgreSQL does not answer: then
    pauses, times and errors are not known.
    """

    items: list[ProviderAccount]
    knows_breakers: bool
    stopped_hosts: list[StoppedHost] = []
    pauses: list[AccountPause] = []
    knows_history: bool = True


class ProviderError(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Calls of the last hour that were not accepted, by the provider's code (0: it gave none), outcome and reason, with the cause in words.

    `link` is the vendor's page about the code, empty without one; `last_at` in epoch seconds.
    """

    code: int
    outcome: str
    reason: str
    cause: str
    link: str
    count: int
    last_at: float


class Publication(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A version that was made the one in force; it is rolled back to if it was in force before."""

    number: int
    version: int
    change: Literal["published", "rolled_back"]
    actor: str
    comment: str
    occurred_at: float


class PublishRequest(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The version that is to be in force."""

    version: int
    comment: str = ""
    force: bool = False


class PushAck(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What an app reports of a push message: the token from its data, and whether it arrived, was opened or clicked."""

    token: str
    event: Literal["click", "delivered", "open"] = "delivered"


class PushOptionsEntry(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The options in a template. `collapse_key`, `sound`, `badge`, `click_action` and the values of `data` may have expressions.

    `data` is what the app gets beside the texts: strings, as FCM requires.
    """

    collapse_key: str = ""
    priority: Literal["", "high", "normal"] = ""
    urgency: Literal["", "high", "low", "normal", "very-low"] = ""
    sound: str = ""
    badge: int | str | None = None
    channel_id: str = ""
    click_action: str = ""
    category: str = ""
    interruption_level: Literal["", "active", "critical", "passive", "time-sensitive"] = ""
    mutable_content: bool = False
    data: dict[str, str] = {}


class QuietHours(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A daily window in the user's local time, without its end; if it ends before it starts, it goes over midnight."""

    start: str
    end: str


class RateLimit(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """At most `max_count` admitted notifications per user in any `window_seconds` (at most lifetimes.MAX_RATE_WINDOW).

    It counts those on its channel, of its category, of users with its tier; an empty one means all channels together, categories or tiers.
    It is for the users of its `project`, empty for the default one.
    """

    channel: Literal["email", "push", "sms", "webhook"] | Literal[""]
    max_count: int
    window_seconds: int
    category: str = ""
    tier: str = ""
    project: str = ""


class RateLimitChange(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How many notifications per user a limit admits in any window."""

    max_count: int


class RateLimitPage(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Limits in the order of channel, category, tier and window; `next_cursor` is null on the last page."""

    items: list[RateLimitResponse]
    next_cursor: str | None


class RateLimitResponse(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The current version of a limit; an empty channel, category or tier means all, an empty project the default one."""

    version: int
    limit: RateLimit


class RateLimitVersion(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A version of a limit; `max_count` is null in the one that deleted it. The time is in epoch seconds."""

    version: int
    max_count: int | None
    actor: str
    comment: str
    changed_at: float


class RateLimitVersionPage(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Versions of a limit, newest first; `next_cursor` is null on the last page."""

    items: list[RateLimitVersion]
    next_cursor: str | None


class RateWindowResponse(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A rate limit and how much of it a user has used; `room_again_at` is 0 while it has room, or if it never has.

    An empty `channel` stands for all channels together, an empty `category` for all. One with a `tier` counts for users of that tier.
    """

    channel: str
    max_count: int
    window_seconds: int
    used_count: int
    has_room: bool
    room_again_at: float
    category: str = ""
    tier: str = ""


class ReadinessResponse(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """`unready` if notifications cannot be accepted, `degraded` if another probe fails."""

    status: Literal["degraded", "ready", "unready"]
    probes: dict[str, ProbeResult]


class RecipientPreview(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How many users there are, and the first of them. `unknown_users`: of named ones, how many do not exist; they get nothing."""

    count: int
    first_users: list[str]
    unknown_users: int = 0


class RecordedContent(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a delivery said, by its newest record: address and content as they were given to the provider, or masked.

    `template` is the one that rendered it, with version and locale. Links, tokens in them and names of files are the real ones; of files
    there are name and media type. `problem` says why there is no content.
    """

    delivery_id: str
    channel: Literal["email", "push", "sms", "webhook"]
    address: str
    template: str
    variant: str
    content: dict[str, Any]
    size: int
    sms: SmsSegments | None
    problem: str


class RecoveryCodesResponse(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Codes for who loses the authenticator app, each for one login; they are shown only now."""

    recovery_codes: list[str]


class RecoveryState(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The recovery of a worker's tables: changelog records that remain of `total`, the seconds so far and, once known, those left."""

    total: int
    remaining: int
    seconds: float
    seconds_left: float | None


class Redrive(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A stored redrive; `redriven_count` is of records that are in Kafka, `skipped_counts` by the reason why nothing was produced.

    `selection` has the filter or the ids of the request. `is_edited`: the only dead letter goes with another value.
    """

    id: str
    selection: dict[str, Any]
    is_edited: bool
    rate: int | None
    include_delivered: bool
    extend_expiry: int | None
    reason: str
    state: Literal["cancelled", "done", "failed", "paused", "pending", "running"]
    total_count: int
    redriven_count: int
    skipped_counts: dict[str, int]
    created_at: float
    started_at: float | None
    ended_at: float | None
    created_by: str
    error: str


class RedriveActionRequest(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Why a redrive is paused, resumed or cancelled, for the audit log; the body may be empty."""

    reason: str = ""


class RedrivePage(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Redrives, newest first; `next_cursor` is null on the last page."""

    items: list[Redrive]
    next_cursor: str | None


class RedrivePreview(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How many dead letters there are, and by result what would become of those that were examined, the oldest ones."""

    count: int
    examined_count: int
    results: dict[str, int]


class RedriveRequest(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A redrive of the open dead letters that a filter selects, or of these; with `preview` it is counted, and nothing is sent."""

    filter: DeadLetterFilter | None = None
    ids: list[str] | None = None
    rate: int | None = None
    include_delivered: bool = False
    extend_expiry: int | None = None
    reason: str = ""
    preview: bool = False


class RefreshBody(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A refresh token in the body; without one, that in the cookie."""

    refresh_token: str = ""
    project: str | None = None


class RemovedFaults(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How many faults were switched off."""

    removed: int


class ResumeRequest(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Which account is resumed, and why, for the audit log."""

    account: str
    reason: str = ""


class RoleSummary(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A role: what waits for it, null if Kafka does not say, and its workers that run, null if they are not known."""

    role: str
    lag: Lag | None
    workers: int | None
    problem: str = ""


class RoleWorkers(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The workers of a role. `group_state` is Kafka's word for its consumer group, empty if Kafka does not say.

    `unassigned`: partitions that nobody reads. `rebalancing_since`: null while its group is stable.
    """

    role: str
    group_state: str
    rebalancing_since: float | None
    unassigned: list[int]
    workers: list[WorkerState]
    problem: str = ""


class RollbackRequest(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The version that is to be in force again; without it the one that was published before."""

    version: int | None = None
    comment: str = ""
    force: bool = False


class RuleCheck(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a valid rule would change, beside the one that is in force; `notices` says which fields may not do what was meant, and why."""

    version: int
    changes: list[FieldChange]
    notices: list[str]


class RuleEntry(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A rule; without `template`, the type names it."""

    type: str
    category: str
    priority: Literal["high", "low", "medium"] | None = None
    channels: list[Literal["email", "push", "sms", "webhook"]]
    strategy: Literal["all", "escalate", "first"] = "all"
    template: str = ""
    mandatory: bool = False
    consent: Literal["", "none", "opt_in", "opt_out"] = ""
    quiet_hours: Literal["", "hold", "ignore", "reject"] = ""
    over_limit: Literal["hold", "reject"] = "reject"
    condition: str = ""
    priorities: list[PriorityCaseEntry] = []
    expires_after: int = 0
    digest: DigestPolicy | None = None
    escalate_after: int = 0
    escalate_unless: Literal["delivered", "read", "sent"] = "delivered"
    email_options: EmailOptions | None = None


class RulePage(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Rules in the order of types; `next_cursor` is null on the last page."""

    items: list[RuleResponse]
    next_cursor: str | None


class RuleResponse(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The current version of a rule; `rule` is as a file of rules has it, and as PUT takes it.

    `notices` says which fields may not do what was meant, and why.
    """

    version: int
    rule: RuleEntry
    notices: list[str] = []


class RuleRollback(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A request to make the contents of a version the newest one."""

    version: int


class RuleSimulationRequest(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A rule that is to be tried on at most `count` recorded notifications of its type, the newest."""

    rule: RuleEntry
    count: int = 500


class RuleVersion(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A version of a rule; `rule` is null in the one that deleted it. The time is in epoch seconds."""

    version: int
    rule: RuleEntry | None
    actor: str
    comment: str
    changed_at: float


class RuleVersionPage(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Versions of a rule, newest first; `next_cursor` is null on the last page."""

    items: list[RuleVersion]
    next_cursor: str | None


class SavedView(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A view; `own` says whether the account that asks has made it. Times in epoch seconds."""

    id: str
    page: str
    name: str
    search: str
    shared: bool
    own: bool
    created_at: float


class Schedule(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A stored schedule; `version` is the ETag, which runs do not change.

    `audience` is empty if it is for `user_count` named users; lists leave out which. `next_run_at` is null if it is paused or has ended.
    """

    id: str
    name: str
    cron: str
    time_zone: str
    start_at: float | None
    end_at: float | None
    missed: Literal["all", "once", "skip"]
    notification: BroadcastNotification
    priority: Literal["high", "low", "medium"] | None
    audience: str
    user_ids: list[str] | None
    user_count: int
    rate: int | None
    state: Literal["active", "ended", "paused"]
    next_run_at: float | None
    last_run_at: float | None
    version: int
    created_at: float
    updated_at: float
    created_by: str


class ScheduleDefinition(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What runs when, and for whom: an audience or these users."""

    cron: str
    notification: BroadcastNotification
    time_zone: str = "UTC"
    start_at: float | str | None = None
    end_at: float | str | None = None
    missed: Literal["all", "once", "skip"] = "once"
    audience: str | None = None
    user_ids: list[str] | None = None
    priority: Literal["high", "low", "medium"] | None = None
    rate: int | None = None


class ScheduleDetails(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A schedule with the times of its next five runs, without regard to a pause."""

    id: str
    name: str
    cron: str
    time_zone: str
    start_at: float | None
    end_at: float | None
    missed: Literal["all", "once", "skip"]
    notification: BroadcastNotification
    priority: Literal["high", "low", "medium"] | None
    audience: str
    user_ids: list[str] | None
    user_count: int
    rate: int | None
    state: Literal["active", "ended", "paused"]
    next_run_at: float | None
    last_run_at: float | None
    version: int
    created_at: float
    updated_at: float
    created_by: str
    next_runs: list[float]


class SchedulePage(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Schedules in the order of their names; `next_cursor` is null on the last page."""

    items: list[Schedule]
    next_cursor: str | None


class ScheduleTimes(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """When a schedule would run."""

    cron: str
    time_zone: str = "UTC"
    start_at: float | str | None = None
    end_at: float | str | None = None


class ScheduledEntryResponse(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A notification or delivery that the scheduler holds until `due_at`."""

    id: str
    due_at: float
    priority: Literal["high", "low", "medium"]
    resume_count: int


class SecretInfo(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A secret that signs: since when, and until when it does; `public_key` is `whpk_` and base64 with ed25519, else empty."""

    created_at: float
    expires_at: float | None
    public_key: str


class SecretRotation(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A new secret; for `overlap` seconds the old one signs, too. 0, for one that leaked: no secret but the new one signs any more."""

    overlap: int = 86400


class Series(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A line of a chart: `[epoch seconds, number]` for each step that has any, oldest first."""

    key: str
    points: list[list[float]]


class SeriesResponse(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A metric by steps of submission, from the greatest series to the least; the last steps may still change."""

    metric: Literal["accepted", "bounced", "clicked", "cost", "decided", "delivered", "deliveries", "failed", "opened", "sent"]
    group_by: Literal["category", "channel", "none", "priority", "provider", "reason", "state", "status", "template", "type"]
    from_: int = field(name="from")
    to: int
    step: Literal[60, 3600, 86400]
    as_of: float
    series: list[Series]


class SessionPage(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A page of sessions, newest first."""

    items: list[SessionResponse]
    next_cursor: str | None = None


class SessionResponse(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A session; `is_current` is that of this request."""

    id: str
    method: Literal["link", "oidc", "passkey", "password"]
    client: str
    is_current: bool
    created_at: float
    last_used_at: float
    expires_at: float


class SimulatedChange(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The notifications whose result would change in the same way: how many, and the ids of some."""

    before: SimulatedResult
    after: SimulatedResult
    count: int
    examples: list[str]


class SimulatedMessage(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What arrived at a simulated provider; `text` is cut, `delivery_id` is empty if the request named none."""

    number: int
    at: float
    channel: str
    recipient: str
    sender: str
    title: str
    text: str
    delivery_id: str
    status: int


class SimulatedMessageDetails(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """All of a message: `html` of an e-mail, `body` of a webhook as it was signed, `details`: its headers, and what else was sent.

    `signature`: of a webhook: `valid` if the simulator knows the secret, `unchecked` if it does not, `none` without one.
    """

    number: int
    at: float
    channel: str
    recipient: str
    sender: str
    title: str
    text: str
    delivery_id: str
    status: int
    html: str
    image: str
    body: str
    signature: Literal["none", "unchecked", "valid"]
    details: list[MessageField]


class SimulatedMessagePage(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Messages, newest first; `next_cursor` is null on the last page. Only the last 300 are kept."""

    items: list[SimulatedMessage]
    next_cursor: str | None


class SimulatedRequest(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One delivery of a request to a simulated provider; `status` 0: not processed; `fault`: the connection fault, empty for none."""

    seq: int
    at: float
    provider: Literal["fcm", "sendgrid", "twilio", "webhook"]
    delivery_id: str
    address: str
    status: int
    fault: str


class SimulatedRequestPage(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The request log, newest first; `next_cursor` is null on the last page."""

    items: list[SimulatedRequest]
    next_cursor: str | None


class SimulatedResult(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What the router decides: of a routed notification its channels, priority and templates, else the gate that stops it."""

    state: State
    gate: str = ""
    reason: str = ""
    channels: list[Literal["email", "push", "sms", "webhook"]] = []
    priority: Literal["high", "low", "medium"] | None = None
    templates: list[str] = []


class SimulatorFault(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What happens to the requests to a provider: a `status`, a `latency`, a `connection` fault, or several of them.

    `seconds`: how long it lasts. `key`: only requests with an account or host that begins with it. `ratio`: the part of the requests,
    chosen with `seed`. `retry_after`: the header of a response with `status`. `latency`: as `200ms`, `uniform:100ms-2s`,
    `exponential:500ms` or `lognormal:300ms:1.2`.
    """

    provider: Literal["all", "fcm", "sendgrid", "twilio", "webhook"]
    seconds: float = 120.0
    key: str = ""
    ratio: float = 1.0
    seed: int = 1
    status: int | None = None
    retry_after: str | None = None
    latency: str = ""
    connection: Literal["bomb", "drop", "endless", "hang", "interim", "reset", "trickle", "truncate"] | None = None


class SizeChange(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How the size of a sample changes, in bytes and SMS segments; 0 before for what is new."""

    channel: Literal["email", "push", "sms", "webhook"]
    locale: str
    sample: str
    size_before: int
    size_after: int
    segments_before: int = 0
    segments_after: int = 0
    variant: str = ""


class SmsSegments(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The encoding of a text and its segments; `units` are septets or UCS-2 code units, `free` is what the last segment still takes.

    `forcing` are the characters because of which it is UCS-2, each once, at most ten.
    """

    encoding: Literal["GSM-7", "UCS-2"]
    segments: int
    units: int
    free: int
    forcing: str = ""


class SourceHeader(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A header of the record that could not be processed; bytes that are no UTF-8 are replaced."""

    name: str
    value: str


class SourceState(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Where a part of the response comes from. `as_of`: when it was read; null if never, and then that part is missing.

    `problem`: why it is not current, and `since` when; empty and null if it is.
    """

    as_of: float | None
    problem: str = ""
    since: float | None = None


class StopChange(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How many notifications a gate stops for a reason, before and after."""

    gate: str
    reason: str
    before: int
    after: int


class StoppedHost(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A host of webhooks with an open breaker, as `https://shop.example.org:443`."""

    host: str
    breaker: OpenBreaker


class StoredDeadLetter(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A row of dead_letters without key, value and headers; what is not known is empty, 0 or null.

    `redrive_id`: the redrive that has sent it; of one that is open, the redrive that has taken it in hand to send it.
    """

    id: str
    created_at: float
    state: Literal["discarded", "open", "redriven"]
    cause: str
    stage: Literal["delivery", "recorder", "router", "scheduler"]
    reason: str
    error: str
    channel: str
    type: str
    account: str
    outcome: str
    provider_code: int
    attempts: int
    redrive_count: int
    user_id: str
    notification_id: str
    delivery_id: str
    source_topic: str
    source_partition: int
    source_offset: int
    source_time: float
    topic: str
    partition: int
    offset: int
    is_truncated: bool
    value_bytes: int
    redrive_id: str
    ended_at: float | None
    ended_by: str
    discard_reason: str


class Submission(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A notification submitted over HTTP; without `priority`, the rule for the type sets it.

    Unknown fields are ignored on Kafka but rejected here, so that the client learns of a misspelt name.
    """

    user_id: str
    type: str
    id: str | None = None
    category: str | None = None
    channels: list[Literal["email", "push", "sms", "webhook"]] | None = None
    template: str | None = None
    data: dict[str, Any] = {}
    locale: str | None = None
    to: dict[str, str | list[str]] = {}
    send_at: float | str | None = None
    expires_at: float | str | None = None
    digest: str | None = None
    idempotency_key: str | None = None
    mandatory: bool = False
    created_at: float | str | None = None
    schema_version: int = 1
    attachments: list[Attachment] = []
    is_test: bool = False
    push: NotificationPushOptions | None = None
    priority: Literal["high", "low", "medium"] | UnsetType = UNSET


class SubmissionResponse(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A notification that all in-sync replicas of its topic have."""

    id: str
    priority: Literal["high", "low", "medium"]
    status: Literal["accepted"] = "accepted"


class Suppression(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A stored suppression; in force until it is undone. Times in epoch seconds."""

    id: str
    channel: Literal["email", "push", "sms", "webhook"]
    address: str
    user_id: str | None
    category: str
    reason: Literal["complaint", "hard_bounce", "manual", "stop"]
    source_event: str
    created_at: float
    created_by: str
    undone_at: float | None
    undone_by: str | None


class SuppressionPage(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Suppressions, newest first; `next_cursor` is null on the last page."""

    items: list[Suppression]
    next_cursor: str | None


class SuppressionRequest(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What shall not be sent to any more: an address of whoever has it, an address of a user, or every address of a user on a channel."""

    channel: Literal["email", "push", "sms", "webhook"]
    address: str = ""
    user_id: str | None = None
    category: str = ""
    reason: Literal["complaint", "hard_bounce", "manual", "stop"] = "manual"
    source_event: str = ""


class TableRow(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A row of a table: its key, where it is, and its fields, which differ from table to table."""

    table: str
    role: str
    user_id: str
    key: str
    partition: int
    worker: str
    row: dict[str, Any]


class TableState(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A table of a role. `row_count` and `size_bytes`, which has standbys too, are estimates over all workers.

    `changelog_lag` and `standby_lag`: changelog records that are not applied yet. `lifetime`: of a row in seconds, null without an end.
    """

    role: str
    table: str
    row_count: int
    size_bytes: int
    lifetime: int | None
    workers: list[str]
    partitions: list[int]
    standby_partitions: list[int]
    changelog_lag: int
    standby_lag: int
    recovery: RecoveryState | None
    problem: str = ""


class TablesResponse(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The tables of all workers."""

    read_at: float
    sources: dict[str, SourceState]
    items: list[TableState]
    partition_count: int


class TemplateDocument(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A template: by channel and locale its parts, and what holds for all of them.

    `variables` is the JSON Schema of the data. `language` is that of the locale `default`. `samples` are data by name, for previews.
    `variants` take the place of the template for some of the users; `experiment` names their comparison, by default as the template.
    `at_most_once`: a message that may have reached the provider is not sent again, and ends as failed unless it is found there.
    """

    variables: dict[str, Any] | None = None
    language: str = "en"
    samples: dict[str, dict[str, Any]] = {}
    email: dict[str, TemplateEntry] = {}
    sms: dict[str, TemplateEntry] = {}
    push: dict[str, TemplateEntry] = {}
    webhook: dict[str, TemplateEntry] = {}
    experiment: str = ""
    variants: dict[str, VariantEntry] = {}
    at_most_once: bool = False
    email_options: EmailOptions | None = None


class TemplateEntry(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The parts of a template for one channel and locale; `title` and `body` of a push message are also called `subject` and `text`.

    `options` are those of a push message.
    """

    subject: str = ""
    text: str = ""
    html: str = ""
    title: str = ""
    body: str = ""
    image: str = ""
    link: str = ""
    template_id: str = ""
    options: PushOptionsEntry | None = None


class TemplateHistory(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """All versions and publications of a template, newest first."""

    name: str
    published_version: int
    versions: list[VersionSummary]
    publications: list[Publication]


class TemplatePage(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A page of templates, by name."""

    items: list[TemplateSummary]
    next_cursor: str | None


class TemplateSummary(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A template in a list: its channels and locales are those of the published version, 0 if none is published yet."""

    name: str
    published_version: int
    latest_version: int
    channels: list[Literal["email", "push", "sms", "webhook"]]
    locales: list[str]
    updated_at: float


class TemplateVersion(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A version of a template; a version never changes."""

    name: str
    version: int
    published_version: int
    document: TemplateDocument
    actor: str
    comment: str
    created_at: float | None


class TokenResponse(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Tokens (RFC 6749, 5.1); without `refresh_token` it is in the cookie. `expires_in` in seconds."""

    access_token: str
    token_type: Literal["Bearer"]
    expires_in: int
    refresh_token: str = ""
    session_id: str = ""


class TopologyEdge(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A way of records from a node to another one. `rate` is null if it is not known."""

    source: str
    target: str
    rate: float | None = None


class TopologyNode(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A place in the pipeline. `group` is what it is drawn with: topics of three priorities, the tables of a role.

    Rates and lag are null if they are not known, or not measured there. `workers`: those that read it, or that are it. `problem` says what
    is wrong.
    """

    id: str
    kind: Literal["producers", "provider", "role", "store", "table", "topic"]
    label: str
    group: str
    rate_in: float | None = None
    rate_out: float | None = None
    lag: Lag | None = None
    partitions: list[PartitionState] = []
    workers: list[str] = []
    problem: str = ""
    details: dict[str, str | int | float] = {}


class TopologyResponse(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The pipeline with what flows through it. `sources` says of Kafka, workers and breakers whether what is shown is current."""

    read_at: float
    sources: dict[str, SourceState]
    nodes: list[TopologyNode]
    edges: list[TopologyEdge]


class TotpCodeBody(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A code of the new authenticator app."""

    code: str


class TotpSecretResponse(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What an authenticator app needs; it counts once a code of it was confirmed."""

    secret: str
    uri: str


class TypeSimulationReport(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a rule would change for the newest notifications of its type.

    `since`: from then on all of them are in it. `examined` counts the records of any type that were read, `end` says why no more were.
    """

    since: float
    until: float
    simulated: int
    skipped: dict[str, int]
    changed: int
    changes: list[SimulatedChange]
    other_changes: int
    stops: list[StopChange]
    channels: dict[str, CountChange]
    examined: int
    end: Literal["all", "count", "records", "time"]


class User(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A stored user; times in epoch seconds. `version` is the ETag, and rises with each change of devices and preferences, too."""

    id: str
    addresses: dict[str, list[str]]
    locale: str
    time_zone: str
    tier: str
    attributes: dict[str, Any]
    quiet_hours: QuietHours | None
    version: int
    created_at: float
    updated_at: float


class UserChange(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What is written of a user; what is left out stays as it is, and in a new user is empty."""

    addresses: dict[str, str | list[str]] | UnsetType = UNSET
    locale: str | UnsetType = UNSET
    time_zone: str | UnsetType = UNSET
    tier: str | UnsetType = UNSET
    attributes: dict[str, Any] | UnsetType = UNSET
    quiet_hours: QuietHours | UnsetType | None = UNSET


class UserCountsResponse(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The messages to a user that providers accepted from the day `first` to `last` (UTC), the latest first; no entry means none."""

    user_id: str
    first: str
    last: str
    counts: list[DailyCount]


class UserExport(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """All that is stored of a user; `user` is null if there is none with this id. What messages said is not kept."""

    user_id: str
    exported_at: float
    user: User | None
    devices: list[Device]
    preferences: list[Preference]
    suppressions: list[Suppression]
    consent_events: list[ConsentEvent]
    webhook_endpoints: list[WebhookEndpoint]
    notifications: list[NotificationResponse]


class UserPage(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Users in the order of their ids; `next_cursor` is null on the last page."""

    items: list[User]
    next_cursor: str | None


class UserStateResponse(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What the workers' tables hold of a user at `read_at`.

    `workers`: by role, who holds the user's partition. `truncated`: tables of which only the first 500 rows are shown. `unavailable`: why
    the part of a role is missing.
    """

    user_id: str
    read_at: float
    time_zone: str
    rate_windows: list[RateWindowResponse]
    idempotency_keys: list[IdempotencyKeyResponse]
    scheduled: list[ScheduledEntryResponse]
    digests: list[OpenDigestResponse]
    workers: dict[str, str]
    truncated: list[str]
    unavailable: dict[str, str]


class VariantCounts(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The deliveries of a variant by channel and status; `weight` is null if the published version does not have it."""

    variant: str
    weight: int | None
    deliveries: dict[str, dict[str, int]]


class VariantEntry(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a variant has in the place of the template's own parts, and the percentage of users who get it."""

    weight: int
    email: dict[str, TemplateEntry] = {}
    sms: dict[str, TemplateEntry] = {}
    push: dict[str, TemplateEntry] = {}
    webhook: dict[str, TemplateEntry] = {}


class VersionReport(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What publishing a version would do: it is refused if there are problems, or new failures of recorded payloads."""

    name: str
    version: int
    previous_version: int
    problems: list[str]
    changes: list[SizeChange]
    gaps: list[LocaleGap]
    payloads: PayloadReport | None = None


class VersionSummary(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A version in the history of a template; `created_at` is null for one that is older than the history."""

    version: int
    actor: str
    comment: str
    created_at: float | None


class ViewPage(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Saved views in the order in which they were made; `next_cursor` is null on the last page."""

    items: list[SavedView]
    next_cursor: str | None


class ViewRequest(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A new view. A shared one is seen by all who may see the page, and has a name that no other shared one has."""

    page: str
    name: str
    search: str
    shared: bool = False


class WebhookEndpoint(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A stored endpoint; `version` is the ETag. `secrets` describes the current one, and the one before while it signs, too."""

    id: str
    kind: Literal["status", "user"]
    user_id: str | None
    url: str
    description: str
    types: list[str]
    categories: list[str]
    statuses: list[str]
    signature: Literal["ed25519", "hmac"]
    is_enabled: bool
    disabled_reason: Literal["", "failing", "gone", "operator"]
    disabled_at: float | None
    secrets: list[SecretInfo]
    version: int
    created_at: float
    updated_at: float
    is_test: bool = False
    ordered: bool = False


class WebhookEndpointPage(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Endpoints in the order of their creation; `next_cursor` is null on the last page."""

    items: list[WebhookEndpoint]
    next_cursor: str | None


class WindowResetResponse(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The rate windows of a user that were emptied, by name, and the entry of the audit log."""

    user_id: str
    windows: list[str]
    audit_id: str


class WorkerState(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A worker, by its address within the installation.

    `activity` is `silent` if it does not say, with the reason in `problem`; then only its partitions are known, from Kafka.
    `loop_lag` in seconds: how late its event loop was at worst in the last ten. `ordered_waiting`: deliveries to ordered webhook endpoints
    that wait behind another one, of a worker of webhooks.
    """

    worker: str
    name: str
    activity: Literal["rebalancing", "recovering", "running", "starting", "stopping"] | Literal["silent"]
    activity_since: float | None
    version: str
    started_at: float | None
    memory_bytes: int | None
    loop_lag: float | None
    partitions: list[int]
    standby_partitions: list[int]
    recovery: RecoveryState | None
    problem: str = ""
    ordered_waiting: int = 0


class WorkersResponse(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """All workers, with the gateway that answers. `versions`: all that run; more than one during an upgrade."""

    read_at: float
    sources: dict[str, SourceState]
    gateway: WorkerState
    roles: list[RoleWorkers]
    versions: list[str]
    partition_count: int


BulkRequest = list[Submission] | BulkSubmission
"""Notifications, as a list or in an object."""

Outcome = Literal["ACCEPTED", "NOT_SENT", "REJECTED_PERMANENT", "REJECTED_RECIPIENT", "THROTTLED", "UNKNOWN"]
"""The result of one attempt; there are exactly six."""

Permission = Literal[
    "accounts:read",
    "accounts:write",
    "api-keys:read",
    "api-keys:write",
    "audiences:read",
    "audiences:write",
    "audit:read",
    "broadcasts:control",
    "broadcasts:read",
    "broadcasts:send",
    "dead-letters:discard",
    "dead-letters:read",
    "live:read",
    "metrics:read",
    "notifications:change",
    "notifications:read",
    "notifications:send",
    "preferences:read",
    "preferences:write",
    "projects:read",
    "projects:write",
    "providers:control",
    "rate-limits:read",
    "rate-limits:write",
    "rate-windows:reset",
    "redrives:read",
    "redrives:write",
    "rules:read",
    "rules:write",
    "schedules:control",
    "schedules:read",
    "schedules:write",
    "simulators:read",
    "simulators:write",
    "suppressions:read",
    "suppressions:write",
    "tables:read",
    "templates:publish",
    "templates:read",
    "templates:write",
    "users:erase",
    "users:export",
    "users:read",
    "users:unmask",
    "users:write",
    "webhook-endpoints:read",
    "webhook-endpoints:write",
]
"""What may be done with a resource: `<resource>:<verb>`."""

Role = Literal["admin", "developer", "operator", "service", "viewer"]
"""What an account or a key is for."""

State = Literal["dead", "held", "merged", "rejected", "routed"]
"""What became of a notification in the router."""

Status = Literal["BOUNCED", "DELIVERED", "FAILED", "PENDING", "SENT", "UNSUBSCRIBED"]
"""What became of a delivery."""
