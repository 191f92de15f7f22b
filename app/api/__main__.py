"""`python -m app.api`: serves the gateway until SIGTERM or SIGINT."""

import uvicorn

from app.api.gateway import load_gateway_settings
from app.api.http_protocol import build_protocol_class
from schemas.errors import SettingError

GRACEFUL_SHUTDOWN_SECONDS = 10  # seconds that requests in flight may take after SIGTERM


def main() -> None:
    """Serve the API at `gateway.host` and `gateway.port`. Exits with one line that names the key if a setting is missing or wrong."""
    try:
        settings = load_gateway_settings()
    except SettingError as error:
        raise SystemExit(f"error: {error}") from None
    uvicorn.run(
        "app.api.gateway:create_app",
        factory=True,
        host=settings.gateway.host,
        port=settings.gateway.port,
        loop="uvloop",
        http=build_protocol_class(settings.gateway),
        ws="none",
        access_log=False,
        log_config=None,
        server_header=False,
        proxy_headers=False,  # nothing reads the client's address
        timeout_graceful_shutdown=GRACEFUL_SHUTDOWN_SECONDS,
    )


if __name__ == "__main__":
    main()
