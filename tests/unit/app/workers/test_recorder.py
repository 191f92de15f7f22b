"""An error of a write ends the recorder's worker."""

import pytest

from app.workers.recorder import build_failure_handler


def test_an_error_of_a_write_is_logged_and_ends_the_worker(caplog: pytest.LogCaptureFixture) -> None:
    errors: list[BaseException] = []
    error = KeyError("a fault of Herold")
    build_failure_handler(errors.append)(error)
    assert errors == [error]
    assert "its batches are not acknowledged, the worker stops" in caplog.text
