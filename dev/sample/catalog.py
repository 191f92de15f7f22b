"""The catalog of the sample shop: names, products and the template variables of each notification type."""

from collections.abc import Callable
from typing import Any

CUSTOMER_NAMES = (
    "Ada",
    "Björn",
    "Chloé",
    "Dai",
    "Elif",
    "Fatima",
    "Gréta",
    "Håkon",
    "Inès",
    "José",
    "Kwame",
    "Łucja",
    "Mai",
    "Noor",
    "Olu",
    "Priya",
)
ITEMS = ("floor lamp", "oak chair", "linen sheets", "tea kettle", "wool blanket", "bread knife", "bookshelf", "garden hose", "rain boots")
DEVICES = ("Firefox on Linux", "Safari on iPhone", "Chrome on Windows")
PLACES = ("Vienna", "Lisbon", "Oslo", "Porto")
ETAS = ("on Friday", "tomorrow", "by Tuesday evening")
LOCALES = ("de-AT", "en-GB", "de", "fr-FR", "")


def get_customer_name(number: int) -> str:
    """Get the name of a customer."""
    return CUSTOMER_NAMES[number % len(CUSTOMER_NAMES)]


def build_template_data(type_: str, number: int) -> dict[str, Any]:
    """Build all variables that the template of a type requires; `number` varies them."""
    return {"name": get_customer_name(number), **_DATA_BUILDERS[type_](number)}


def _build_items(number: int) -> list[str]:
    return [ITEMS[(number + step) % len(ITEMS)] for step in range(1 + number % 3)]


def _build_order(number: int) -> dict[str, Any]:
    return {"order": 10_000 + number, "items": _build_items(number)}


def _build_link(word: str, number: int) -> str:
    return f"https://shop.example.org/{word}/{number:x}"


_DATA_BUILDERS: dict[str, Callable[[int], dict[str, Any]]] = {
    "account.otp": lambda n: {"code": f"{n * 7919 % 1_000_000:06d}", "minutes": 10},
    "account.login-alert": lambda n: {"device": DEVICES[n % len(DEVICES)], "place": PLACES[n % len(PLACES)]},
    "account.password-reset": lambda n: {"link": _build_link("reset", n)},
    "order.confirmed": lambda n: {**_build_order(n), "total": f"€ {n % 190 + 9}.90"},
    "order.shipped": lambda n: {**_build_order(n), "eta": ETAS[n % len(ETAS)]},
    "order.delivered": lambda n: {"order": 10_000 + n, "place": "your door" if n % 3 else "the parcel shop"},
    "payment.failed": lambda n: {"order": 10_000 + n, "amount": f"€ {n % 190 + 9}.90", "until": "Sunday", "link": _build_link("pay", n)},
    "partner.order-webhook": lambda n: {**_build_order(n), "total": n % 190 + 9},
    "newsletter.weekly": lambda n: {
        "headline": "Warm things",
        "intro": f"This week: {ITEMS[n % len(ITEMS)]}.",
        "link": _build_link("news", 12),
    },
    "club.offer": lambda n: {"headline": "For the club", "intro": f"First pick: {ITEMS[n % len(ITEMS)]}.", "link": _build_link("club", n)},
    "order.review": lambda n: {"headline": "How was it?", "intro": "Tell us in two words.", "link": _build_link("review", n)},
    "feedback.request": lambda n: {"order": 10_000 + n, "link": _build_link("feedback", n)},
    "courier.waiting": lambda n: {"order": 10_000 + n, "place": PLACES[n % len(PLACES)]},
    "wishlist.in-stock": lambda n: {"product": ITEMS[n % len(ITEMS)]},
    "promo.sale": lambda n: {"percent": 10 + n % 4 * 5, "product": ITEMS[n % len(ITEMS)], "until": "Sunday"},
}
