"""What the responses of an HTTP API mean: the entries of its file first, then what HTTP says."""

from collections.abc import Iterable, Mapping
from typing import Any, Final, NamedTuple

import msgspec
from msgspec.structs import replace

from agents.providers.http_api_file import OutcomeEntry, ResponseEntry, StatusPattern
from agents.providers.response import SERVER_ERROR, build_account_fault, clean_provider_id, parse_retry_after
from schemas.enums import Outcome, Reason, Status
from schemas.errors import DECODE_ERRORS
from schemas.http import HttpResponse
from schemas.outcome import AttemptResult

MAX_CODE: Final = 999_999_999
_STATUSES: Final = {Reason.OPTED_OUT: Status.UNSUBSCRIBED, Reason.UNREGISTERED_TOKEN: Status.BOUNCED}
_USUAL_REASONS: Final = {
    Outcome.REJECTED_RECIPIENT: Reason.REJECTED_RECIPIENT,
    Outcome.REJECTED_PERMANENT: Reason.REJECTED_PERMANENT,
}
_REASONS: Final = {
    Outcome.REJECTED_RECIPIENT: ("", Reason.OPTED_OUT, Reason.UNREGISTERED_TOKEN, Reason.INVALID_TOKEN),
    Outcome.REJECTED_PERMANENT: ("", Reason.MISCONFIGURED),
}
_ACCOUNT_FAULTS: Final = {
    401: build_account_fault(401, "the credentials were rejected: check request of the file, and the setting secret"),
    403: build_account_fault(403, "the credentials do not allow it: check request of the file, and the setting secret"),
    404: build_account_fault(404, "there is no such API: check request.url of the file"),
    405: build_account_fault(405, "there is no such API: check request.url and request.method of the file"),
}
_decode = msgspec.json.Decoder().decode


class InvalidOutcome(ValueError):
    """An entry contradicts itself; says why."""


class _Rule(NamedTuple):
    statuses: frozenset[int]
    codes: frozenset[str]
    result: AttemptResult


class ResponseMap:
    """The compiled section `response`. Raises InvalidOutcome with the place of the entry."""

    def __init__(self, entry: ResponseEntry) -> None:
        self._accepted = _expand(entry.accepted)
        self._message_id, self._error_code = _split_path(entry.message_id), _split_path(entry.error_code)
        self._retry_after = entry.retry_after.lower().encode()
        self._rules = [_build_rule(one, f"response.outcomes[{index}]", self._error_code) for index, one in enumerate(entry.outcomes)]

    def parse(self, response: HttpResponse, now: float) -> AttemptResult:
        """The result of a response."""
        status = response.status_code
        is_accepted = status in self._accepted
        content = _decode_body(response.body) if self._error_code or (is_accepted and self._message_id) else None
        code = _get_text(content, self._error_code)
        for rule in self._rules:
            if status in rule.statuses and (not rule.codes or code in rule.codes):
                return self._complete(rule.result, response, content, code, now)
        if is_accepted:
            return self._complete(AttemptResult(Outcome.ACCEPTED), response, content, "", now)
        return self._complete(_judge_status(status), response, content, code, now)

    def _complete(self, result: AttemptResult, response: HttpResponse, content: Any, code: str, now: float) -> AttemptResult:
        """The result with what this response says."""
        number = int(code) if code.isascii() and code.isdigit() and len(code) <= len(str(MAX_CODE)) else response.status_code
        if result.outcome is Outcome.ACCEPTED:
            return replace(result, provider_code=number, provider_message_id=clean_provider_id(_get_text(content, self._message_id)))
        if result.outcome in (Outcome.THROTTLED, Outcome.UNKNOWN, Outcome.NOT_SENT):
            retry_after = parse_retry_after(response.headers, now, self._retry_after)
            has_failed = response.status_code >= SERVER_ERROR
            return replace(result, provider_code=number, retry_after=retry_after, has_failed=has_failed, is_answered=True)
        return replace(result, provider_code=number)


def _judge_status(status: int) -> AttemptResult:
    """The result of a status that the file does not name."""
    if status == 429:
        return AttemptResult(Outcome.THROTTLED)
    if status in _ACCOUNT_FAULTS:
        return _ACCOUNT_FAULTS[status]
    if status >= 500 or status == 408:
        return AttemptResult(Outcome.UNKNOWN)
    return AttemptResult(Outcome.REJECTED_PERMANENT, Reason.REJECTED_PERMANENT, detail="the provider rejected the message")


def _build_rule(entry: OutcomeEntry, place: str, error_code: tuple[str, ...]) -> _Rule:
    codes = frozenset(map(str, entry.code if isinstance(entry.code, list) else [entry.code]))
    if codes and not error_code:
        raise InvalidOutcome(f"{place}.code: response.error_code must say where a response has it")
    if entry.reason and entry.reason not in _REASONS.get(entry.outcome, ()):
        allowed = ", ".join(filter(None, _REASONS.get(entry.outcome, ()))) or "no reason"
        raise InvalidOutcome(f"{place}.reason: {entry.outcome} has {allowed}")
    if entry.account_fault:
        if entry.outcome is not Outcome.REJECTED_PERMANENT:
            raise InvalidOutcome(f"{place}.account_fault: only {Outcome.REJECTED_PERMANENT} can be a fault of the account")
        return _Rule(_expand(entry.status), codes, build_account_fault(0, entry.detail or "the provider rejected the account"))
    reason = entry.reason or _USUAL_REASONS.get(entry.outcome, "")
    return _Rule(
        _expand(entry.status),
        codes,
        AttemptResult(entry.outcome, reason, status=_STATUSES.get(Reason(reason)) if reason else None, detail=entry.detail),
    )


def _expand(patterns: StatusPattern | Iterable[StatusPattern]) -> frozenset[int]:
    """The statuses of patterns: 404, or 5xx for all of a class."""
    given = [patterns] if isinstance(patterns, (int, str)) else patterns
    return frozenset(
        status for one in given for status in ([one] if isinstance(one, int) else range(int(one[0]) * 100, int(one[0]) * 100 + 100))
    )


def _split_path(path: str) -> tuple[str, ...]:
    return tuple(path.split(".")) if path else ()


def _decode_body(body: bytes) -> Any:
    try:
        return _decode(body)
    except DECODE_ERRORS:
        return None


def _get_text(content: Any, path: tuple[str, ...]) -> str:
    """The text or number at a path of names and indexes; empty if there is none."""
    for name in path:
        if isinstance(content, Mapping):
            content = content.get(name)
        elif isinstance(content, list) and name.isascii() and name.isdigit() and int(name) < len(content):
            content = content[int(name)]
        else:
            return ""
    return str(content) if path and isinstance(content, (str, int)) and not isinstance(content, bool) else ""
