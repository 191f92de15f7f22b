"""Asks SendGrid to erase what it has of recipients.

Source: "Delete Recipients' Email Data" in the API reference of SendGrid (POST /v3/recipients/erasejob with at most 5,000 `email_addresses`,
answered with 202 and the id of the job).
"""

from collections.abc import Sequence

import httpx

from schemas.errors import UnavailableError

TIMEOUT_SECONDS = 15.0


class SendGridErasure:
    """The account with this URL and key."""

    def __init__(self, url: str, api_key: str) -> None:
        self._url, self._headers = f"{url.rstrip('/')}/v3/recipients/erasejob", {"authorization": f"Bearer {api_key}"}

    async def erase(self, addresses: Sequence[str]) -> None:
        """Begin to erase what belongs to these e-mail addresses. Raises UnavailableError, which does not name them."""
        if not addresses:
            return
        try:
            async with httpx.AsyncClient(timeout=TIMEOUT_SECONDS, trust_env=False) as client:
                response = await client.post(self._url, json={"email_addresses": list(addresses)}, headers=self._headers)
        except httpx.HTTPError as error:
            raise UnavailableError(f"SendGrid does not answer: {type(error).__name__}; nothing was erased yet") from None
        if response.status_code != httpx.codes.ACCEPTED:
            raise UnavailableError(f"SendGrid answered {response.status_code} to the erasure of a recipient; nothing was erased yet")
