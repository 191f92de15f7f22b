"""`python -m app.api`: the gateway, until it is told to stop."""

import uvicorn

from app.api.settings import gateway_settings
from app.settings import load
from schemas.errors import SettingError

STOP_AFTER = 10  # seconds that requests in flight have to end


def main() -> None:
    """Serve the API at the address in the settings; a setting that is missing or wrong ends it with a line that names the key."""
    try:
        settings = gateway_settings(load())
    except SettingError as error:
        raise SystemExit(f"error: {error}") from None
    uvicorn.run(
        "app.api.gateway:create",
        factory=True,
        host=settings.host,
        port=settings.port,
        loop="uvloop",
        http="httptools",
        ws="none",
        access_log=False,
        log_config=None,
        server_header=False,
        timeout_graceful_shutdown=STOP_AFTER,
    )


if __name__ == "__main__":
    main()
