"""The order in which the locales of a template or partial are searched."""

DEFAULT_LOCALES = ("default", "")


def build_locale_chain(locale: str) -> list[str]:
    """The locales in the order of search: for `de-AT` it is `de-at`, `de`, `default`, and the empty locale."""
    parts = normalize_locale(locale).split("-") if locale and locale != "default" else []
    return ["-".join(parts[:length]) for length in range(len(parts), 0, -1)] + list(DEFAULT_LOCALES)


def normalize_locale(locale: str) -> str:
    """The locale in lower case with hyphens."""
    return locale.replace("_", "-").lower()
