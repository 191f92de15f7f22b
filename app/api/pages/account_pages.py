"""The pages behind the links that work once: choose a password, make the first account, log in. HTML without scripts, in English."""

from collections.abc import Sequence
from typing import NamedTuple

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from app.api.pages.consent_pages import PAGE_DIR


class FormField(NamedTuple):
    """A field of a form; `value` is what was sent before, never a password."""

    name: str
    label: str
    type: str
    autocomplete: str
    value: str = ""


PASSWORD_FIELD = FormField(
    "password", "Password, of at least {length} characters; several words are easy to remember", "password", "new-password"
)
LOGIN_TEXT = "You can log in now."
LINK_TEXT = "This link logs you in once, without a password."


class AccountPages:
    """Renders the pages; the files are read once."""

    def __init__(self, min_length: int) -> None:
        environment = Environment(loader=FileSystemLoader(PAGE_DIR), autoescape=True, undefined=StrictUndefined)
        self._page = environment.get_template("account.html")
        self._style = Markup(PAGE_DIR.joinpath("page.css").read_text("utf-8"))
        self._password_field = PASSWORD_FIELD._replace(label=PASSWORD_FIELD.label.format(length=min_length))

    def render_password_form(self, problems: Sequence[str] = ()) -> str:
        """The page that asks for a password."""
        return self._render("Choose a password", [], problems, [self._password_field], "Save the password")

    def render_first_admin_form(self, problems: Sequence[str] = (), email: str = "", name: str = "") -> str:
        """The page that asks for the first account."""
        fields = [
            FormField("email", "E-mail address", "email", "username", email),
            FormField("name", "Name", "text", "name", name),
            self._password_field,
        ]
        return self._render(
            "Make the first account", ["It is an admin, and may make further accounts."], problems, fields, "Make the account"
        )

    def render_login_form(self) -> str:
        """The page that asks before the link is used up: programs that look at links open them, too."""
        return self._render("Log in to Herold", [LINK_TEXT], (), [], "Log in")

    def render_message(self, title: str, text: str) -> str:
        """A page that says what has happened, or what is wrong."""
        return self._render(title, [text], (), [], "")

    def render_done(self, title: str) -> str:
        """A page that says what has happened, and leads to the login."""
        return self._render(title, [LOGIN_TEXT], (), [], "", login_path="/dashboard/")

    def _render(
        self, title: str, paragraphs: Sequence[str], problems: Sequence[str], fields: Sequence[FormField], button: str, login_path: str = ""
    ) -> str:
        return self._page.render(
            language="en",
            title=title,
            style=self._style,
            preferences_path="",
            paragraphs=paragraphs,
            problems=problems,
            fields=fields,
            button=button,
            login_path=login_path,
        )
