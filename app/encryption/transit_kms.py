"""Decrypts outer keys with a KMS that has the HTTP API of the transit engine of HashiCorp Vault, as OpenBao has it too.

Source of the request and the answer: "Decrypt data" in the API documentation of the transit secrets engine
(POST /v1/transit/decrypt/:name with `ciphertext`, answered with `data.plaintext` in base64; the token is the header X-Vault-Token).
"""

from base64 import b64decode

import httpx

from schemas.errors import SettingError

TIMEOUT_SECONDS = 10.0


class TransitKms:
    """The KMS at a URL; `key` is the name of the key there."""

    def __init__(self, url: str, key: str, token: str) -> None:
        self._url, self._token = f"{url.rstrip('/')}/v1/transit/decrypt/{key}", token

    def decrypt(self, text: str) -> bytes:
        """The key that the KMS has encrypted to this text. Raises SettingError."""
        try:
            response = httpx.post(
                self._url, json={"ciphertext": text}, headers={"X-Vault-Token": self._token}, timeout=TIMEOUT_SECONDS, trust_env=False
            )
            response.raise_for_status()
            return b64decode(response.json()["data"]["plaintext"], validate=True)
        except httpx.HTTPStatusError as error:
            raise SettingError("encryption.kms_url", f"the KMS answered {error.response.status_code} instead of an outer key") from None
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise SettingError("encryption.kms_url", f"the KMS does not answer: {type(error).__name__}") from None
        except (KeyError, TypeError, ValueError):
            raise SettingError("encryption.kms_url", "the KMS answered with something that is no decrypted key") from None
