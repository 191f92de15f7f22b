"""Filters for dates, times, numbers, money and plurals, by the rules of CLDR for a locale and in a time zone.

Babel brings the rules. It is imported by the first template that uses one of these filters: the import takes a tenth of a second. What
was formatted is cached, because one batch says the same dates and amounts many times.
"""

import re
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple
from zoneinfo import ZoneInfo

from jinja2 import TemplateError, UndefinedError, pass_context
from jinja2.runtime import Undefined

from schemas.timestamps import explain_implausible, is_plausible

if TYPE_CHECKING:
    from babel import Locale

FORMATS: Final = object()
"""The key of the Formats among the variables of a render; no data has it, as the keys of data are text."""

PLURAL_FORMS = ("zero", "one", "two", "few", "many", "other")
STYLES = ("short", "medium", "long", "full")
MAX_PATTERN_CHARACTERS = 64
MAX_NUMBER_CHARACTERS = 40
MAX_EXPONENT = 30  # a number prints with at most so many zeros
MAX_PLACES = 6
CACHE_SIZE = 4096  # of each cache: producers choose locales and values

_DATE = re.compile(r"\d{4}-\d\d-\d\d").fullmatch
_CURRENCY = re.compile("[A-Z]{3}").fullmatch

TimeKind = Literal["date", "time", "datetime"]


class Formats(NamedTuple):
    """The locale, as Babel writes it, and the time zone that a content is rendered for."""

    locale: str
    zone: str


@lru_cache(CACHE_SIZE)
def select_formats(template_locale: str, user_locale: str, default_locale: str, zone: str) -> Formats:
    """The user's locale if it is of the language of the template, else the template's; `default_locale` is that of a template `default`.

    An unknown locale counts as a more general one, and in the end as English; an unknown zone as UTC.
    """
    language = template_locale if template_locale not in ("", "default") else default_locale
    is_same = _split(language)[0] == _split(user_locale)[0]
    locale = (_find_locale(user_locale) if is_same else None) or _find_locale(language) or "en"
    return Formats(locale, zone if _load_zone(zone) else "UTC")


def _split(locale: str) -> list[str]:
    return locale.replace("_", "-").lower().split("-")


def _find_locale(locale: str) -> str | None:
    """The nearest locale that CLDR knows; None if it does not know the language."""
    from babel import Locale, UnknownLocaleError

    parts = _split(locale)
    for length in range(min(len(parts), 4), 0, -1):
        try:
            return str(Locale.parse("_".join(parts[:length])))
        except (UnknownLocaleError, ValueError):
            continue
    return None


@lru_cache(CACHE_SIZE)
def _load_zone(zone: str) -> ZoneInfo | None:
    try:
        return ZoneInfo(zone) if zone else None
    except (OSError, ValueError, KeyError):  # no such zone, or a path that is none
        return None


@lru_cache(CACHE_SIZE)
def _load_locale(locale: str) -> "Locale":
    from babel import Locale

    return Locale.parse(locale)


def _build_time_filter(kind: TimeKind) -> Callable[..., str]:
    @pass_context
    def format_time_value(context: Mapping[Any, Any], value: Any, style: str = "medium", zone: str = "") -> str:
        formats: Formats = context[FORMATS]
        if zone and _load_zone(zone) is None:
            raise TemplateError(f"{kind}: there is no time zone '{zone}'")
        return _format_time(kind, _check_scalar(kind, value), style, formats.locale, zone or formats.zone)

    return format_time_value


@lru_cache(CACHE_SIZE, typed=True)
def _format_time(kind: TimeKind, value: str | float, style: str, locale_name: str, zone: str) -> str:
    from babel import dates

    if len(style) > MAX_PATTERN_CHARACTERS:
        raise TemplateError(f"{kind}: the pattern is longer than {MAX_PATTERN_CHARACTERS} characters")
    locale, moment = _load_locale(locale_name), _parse_time(kind, value)
    zone_info = _load_zone(zone)
    try:
        if not isinstance(moment, datetime):
            return dates.format_date(moment, style, locale)
        if kind == "date":
            return dates.format_date(moment.astimezone(zone_info), style, locale)
        if kind == "time":
            return dates.format_time(moment, style, zone_info, locale)
        return dates.format_datetime(moment, style, zone_info, locale)
    except (ValueError, KeyError, AttributeError, NotImplementedError) as error:
        raise TemplateError(f"{kind}: '{style}' is none of {', '.join(STYLES)}, and no pattern of CLDR for a {kind}") from error


def _parse_time(kind: TimeKind, value: str | float) -> date | datetime:
    """The day or moment in RFC 3339 text or epoch seconds; a text without an offset is in UTC."""
    if isinstance(value, str):
        try:
            if _DATE(value) and kind == "date":
                return date.fromisoformat(value)
            moment = datetime.fromisoformat(value) if len(value) <= MAX_NUMBER_CHARACTERS and "T" in value.upper() else None
        except ValueError:
            moment = None
        if moment is None:
            what = "a day or a time such as 2026-01-31 or" if kind == "date" else "a time such as"
            raise TemplateError(f"{kind} needs {what} 2026-01-31T09:00:00Z, or seconds since 1970")
        return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    if not is_plausible(float(value)):
        raise TemplateError(f"{kind}: {explain_implausible(float(value))}")
    return datetime.fromtimestamp(value, UTC)


@pass_context
def format_number(context: Mapping[Any, Any], value: Any, places: int | None = None) -> str:
    """A number with the separators of the locale; `places` fixes the decimals, at most 6, else there are at most 3."""
    return _format_number("number", _check_scalar("number", value), context[FORMATS].locale, places)


@pass_context
def format_percent(context: Mapping[Any, Any], value: Any, places: int = 0) -> str:
    """A ratio as a percentage: 0.25 is 25%."""
    return _format_number("percent", _check_scalar("percent", value), context[FORMATS].locale, places)


@lru_cache(CACHE_SIZE, typed=True)
def _format_number(kind: Literal["number", "percent"], value: str | float, locale_name: str, places: int | None) -> str:
    from babel import numbers

    locale, number = _load_locale(locale_name), _parse_number(kind, value)
    formats = locale.decimal_formats if kind == "number" else locale.percent_formats
    pattern = numbers.parse_pattern(formats[None].pattern)
    if places is not None:
        fixed = min(max(int(places), 0), MAX_PLACES)
        pattern.frac_prec = (fixed, fixed)
    return str(pattern.apply(number, locale))


@pass_context
def format_money(context: Mapping[Any, Any], value: Any, currency: str = "", minor: bool = False) -> str:
    """An amount in a currency (ISO 4217); with `minor` it is in the smallest unit, such as cents."""
    return _format_money(_check_scalar("money", value), currency, minor is True, context[FORMATS].locale)


@lru_cache(CACHE_SIZE, typed=True)
def _format_money(value: str | float, currency: str, minor: bool, locale_name: str) -> str:
    from babel import numbers

    if not (isinstance(currency, str) and _CURRENCY(currency) and numbers.is_currency(currency)):
        raise TemplateError("money needs the code of a currency in capital letters, such as EUR")
    number = _parse_number("money", value)
    if minor:
        number = number.scaleb(-numbers.get_currency_precision(currency))
    return numbers.format_currency(number, currency, locale=_load_locale(locale_name))


@pass_context
def select_plural(context: Mapping[Any, Any], value: Any, **forms: str) -> str:
    """The form for a count, by the plural rules of the locale; `#` in it is the number."""
    return _select_form("plural", value, context[FORMATS].locale, forms)


@pass_context
def select_ordinal(context: Mapping[Any, Any], value: Any, **forms: str) -> str:
    """The form for a place in an order, such as 2nd, by the ordinal rules of the locale; `#` in it is the number."""
    return _select_form("ordinal", value, context[FORMATS].locale, forms)


def _select_form(kind: Literal["plural", "ordinal"], value: Any, locale_name: str, forms: Mapping[str, str]) -> str:
    count = _check_scalar(kind, value)
    form = forms.get(_find_form(kind, count, locale_name), forms["other"])
    return form.replace("#", _format_number("number", count, locale_name, None)) if "#" in form else form


@lru_cache(CACHE_SIZE, typed=True)
def _find_form(kind: Literal["plural", "ordinal"], count: str | float, locale_name: str) -> str:
    locale, number = _load_locale(locale_name), _parse_number(kind, count).normalize()
    return (locale.plural_form if kind == "plural" else locale.ordinal_form)(number)


def _check_scalar(kind: str, value: Any) -> str | float:
    """The text or number. Raises UndefinedError for what is missing, TemplateError for other kinds of values."""
    if isinstance(value, Undefined):
        str(value)  # raises, and names what is undefined
    if value is None:
        raise UndefinedError(f"the value of {kind} is null: give it a default, or test it with if")
    if isinstance(value, bool) or not isinstance(value, (str, int, float)):
        raise TemplateError(f"{kind} needs {'a time' if kind in ('date', 'time', 'datetime') else 'a number'}")
    return value


def _parse_number(kind: str, value: str | float) -> Decimal:
    """The number in a number or a text such as 12.50, of ordinary size. Raises TemplateError."""
    text = str(value) if not isinstance(value, int) or value.bit_length() <= 3 * MAX_NUMBER_CHARACTERS else ""
    try:
        number = Decimal(text) if len(text) <= MAX_NUMBER_CHARACTERS and "_" not in text else Decimal("NaN")
    except InvalidOperation:
        number = Decimal("NaN")
    if not number.is_finite() or abs(number.adjusted()) > MAX_EXPONENT:
        raise TemplateError(f"{kind} needs a number of ordinary size")
    return number


FORMAT_FILTERS: dict[str, Callable[..., str]] = {
    "date": _build_time_filter("date"),
    "time": _build_time_filter("time"),
    "datetime": _build_time_filter("datetime"),
    "number": format_number,
    "percent": format_percent,
    "money": format_money,
    "plural": select_plural,
    "ordinal": select_ordinal,
}
"""The filters that need the Formats among the variables."""
