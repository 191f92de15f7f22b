"""`python -m app.api`: the gateway, until it is told to stop."""

import uvicorn

from app.api.settings import build_gateway_settings
from app.settings import load_settings
from schemas.errors import SettingError

GRACEFUL_SHUTDOWN_SECONDS = 10  # seconds that requests in flight have to end


def main() -> None:
    """Serve the API at the address in the settings; a setting that is missing or wrong ends it with a line that names the key."""
    try:
        settings = build_gateway_settings(load_settings())
    except SettingError as error:
        raise SystemExit(f"error: {error}") from None
    uvicorn.run(
        "app.api.gateway:create_app",
        factory=True,
        host=settings.host,
        port=settings.port,
        loop="uvloop",
        http="httptools",
        ws="none",
        access_log=False,
        log_config=None,
        server_header=False,
        timeout_graceful_shutdown=GRACEFUL_SHUTDOWN_SECONDS,
    )


if __name__ == "__main__":
    main()
