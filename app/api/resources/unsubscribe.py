"""The pages behind the links in messages, without a login: unsubscribe with one click or after a question, and choose preferences.

One click is RFC 8058: a program of the mailbox sends a POST without cookies, and gets no redirect. A GET changes nothing, because
programs that check links follow them. The token in the path is the permission, and nobody without it can build a form (CSRF).
"""

from functools import cache
from typing import Annotated, Any

from litestar import Response, Router, get, post
from litestar.datastructures import FormMultiDict
from litestar.params import PathParameter

from app.api.access import PUBLIC
from app.api.dependencies import ApiRequest, get_dependencies
from app.api.middleware import add_log_fields
from app.api.pages.consent_pages import PAGE_HEADERS, ConsentPages
from app.api.services.consent_choices import build_choices
from schemas.errors import UnavailableError
from schemas.link_tokens import MAX_TOKEN_CHARACTERS
from schemas.message_links import LinkTarget

MAX_FORM_BYTES = 64 * 1024
ONE_CLICK_FIELD, ONE_CLICK_VALUE = "List-Unsubscribe", "One-Click"  # RFC 8058, 3.2

TokenParameter = Annotated[str, PathParameter(description="the token of the link", max_length=2 * MAX_TOKEN_CHARACTERS)]


@cache
def get_pages() -> ConsentPages:
    """The pages; their files are read at the first request."""
    return ConsentPages()


@get("/{token:str}", opt=PUBLIC, include_in_schema=False)
async def ask_to_unsubscribe(request: ApiRequest, token: TokenParameter) -> Response[str]:
    """Ask what the user wants to unsubscribe from; nothing is changed."""
    consent = get_dependencies(request).link_consent
    if (target := consent.read_token(token)) is None:
        return _respond_invalid_link(request)
    language = _select_language(request, await consent.get_locale(target.user_id))
    return _respond(language, get_pages().render_question(language, target, token))


@post("/{token:str}", opt=PUBLIC, include_in_schema=False, status_code=200)
async def unsubscribe(request: ApiRequest, token: TokenParameter) -> Response[str]:
    """Unsubscribe at once: with one click of a mailbox, or with a button of the page."""
    consent = get_dependencies(request).link_consent
    if (target := consent.read_token(token)) is None:
        return _respond_invalid_link(request)
    form = await _read_form(request)
    is_one_click, action = form.get(ONE_CLICK_FIELD) == ONE_CLICK_VALUE, form.get("action")
    if is_one_click or action == "category":
        await consent.opt_out(target, "one click:" if is_one_click else "link:")
    elif action == "all":
        await consent.opt_out_of_all(target, "link:")
    else:
        return _respond_invalid_request(request)
    language = await _find_language(request, target)
    return _respond(language, get_pages().render_unsubscribed(language, target, token, is_all=not is_one_click and action == "all"))


@get("/{token:str}/preferences", opt=PUBLIC, include_in_schema=False)
async def show_preferences(request: ApiRequest, token: TokenParameter) -> Response[str]:
    """All categories and channels that the user can choose."""
    target = get_dependencies(request).link_consent.read_token(token)
    return _respond_invalid_link(request) if target is None else await _respond_preferences(request, target, is_saved=False)


@post("/{token:str}/preferences", opt=PUBLIC, include_in_schema=False, status_code=200)
async def save_preferences(request: ApiRequest, token: TokenParameter) -> Response[str]:
    """Save what the user chose of what the page showed."""
    consent = get_dependencies(request).link_consent
    if (target := consent.read_token(token)) is None:
        return _respond_invalid_link(request)
    form = await _read_form(request)
    shown, chosen = (_list_texts(form.getall(name, [])) for name in ("shown", "chosen"))
    if not shown:
        return _respond_invalid_request(request)
    await consent.choose(target, "preference page:", shown, chosen)
    return await _respond_preferences(request, target, is_saved=True)


async def _respond_preferences(request: ApiRequest, target: LinkTarget, *, is_saved: bool) -> Response[str]:
    consent = get_dependencies(request).link_consent
    choices = build_choices(await consent.list_preferences(target.user_id))
    language = await _find_language(request, target)
    return _respond(language, get_pages().render_preferences(language, consent.list_offers(), choices, is_saved=is_saved))


async def _find_language(request: ApiRequest, target: LinkTarget) -> str:
    return _select_language(request, await get_dependencies(request).link_consent.get_locale(target.user_id))


def _select_language(request: ApiRequest, locale: str = "") -> str:
    return get_pages().select_texts(locale, request.headers.get("accept-language", ""))[0]


async def _read_form(request: ApiRequest) -> FormMultiDict:
    """The form of the request; an empty one if a part is in an encoding that is not known, or is not text in it."""
    try:
        return await request.form()
    except (LookupError, UnicodeError):
        return FormMultiDict()


def _list_texts(values: list[Any]) -> set[str]:
    return {value for value in values if isinstance(value, str)}


def _respond(language: str, page: str, status_code: int = 200) -> Response[str]:
    return Response(page, status_code=status_code, media_type="text/html", headers={**PAGE_HEADERS, "content-language": language})


def _respond_invalid_link(request: ApiRequest) -> Response[str]:
    add_log_fields(request.scope, reason="invalid_link")
    language, texts = get_pages().select_texts("", request.headers.get("accept-language", ""))
    return _respond(language, get_pages().render_problem(language, texts.invalid_link_title, texts.invalid_link_text), 404)


def _respond_invalid_request(request: ApiRequest) -> Response[str]:
    language, texts = get_pages().select_texts("", request.headers.get("accept-language", ""))
    return _respond(language, get_pages().render_problem(language, texts.invalid_request_title, texts.invalid_request_text), 422)


def _handle_unavailable(request: ApiRequest, error: UnavailableError) -> Response[str]:
    add_log_fields(request.scope, cause=str(error))
    language, texts = get_pages().select_texts("", request.headers.get("accept-language", ""))
    response = _respond(language, get_pages().render_problem(language, texts.unavailable_title, texts.unavailable_text), 503)
    response.headers["retry-after"] = "60"
    return response


router = Router(
    "/u",
    route_handlers=[ask_to_unsubscribe, unsubscribe, show_preferences, save_preferences],
    exception_handlers={UnavailableError: _handle_unavailable},
    request_max_body_size=MAX_FORM_BYTES,
    include_in_schema=False,
)
