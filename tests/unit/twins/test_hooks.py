import pytest

from tests.unit.twins.requests import ID, answer, hook, targets
from twins.hooks import Hooks

TWIN = Hooks()


def test_a_hook_is_taken() -> None:
    assert answer(TWIN, hook()).status == 204
    assert targets(TWIN, hook()) == [(ID, "http://127.0.0.1:4010/hooks/u-1?a=b")]


@pytest.mark.parametrize(
    ("path", "status"),
    [
        (b"/hooks/", 204),
        (b"/hooks/u-1/fail", 204),
        (b"/hooks/bounce/u-1", 410),
        (b"/hooks/unsubscribed", 410),
        (b"/hooks/reject/u-1", 400),
        (b"/hooks/throttle/u-1", 429),
        (b"/hooks/fail", 500),
    ],
)
def test_scripts(path: bytes, status: int) -> None:
    assert answer(TWIN, hook(path)).status == status


def test_throttled_says_how_long() -> None:
    assert answer(TWIN, hook(b"/hooks/throttle")).headers == b"Retry-After: 1\r\n"


def test_only_posts_and_not_too_much() -> None:
    assert answer(TWIN, hook(method=b"GET")).status == 405
    assert answer(TWIN, hook()._replace(oversize=True)).status == 413
