"""The token in a push message with which an app confirms that it has arrived: FCM tells a server nothing of that."""

from typing import Final

from schemas.link_tokens import LinkTokens

RECEIPT_KEY: Final = "herold_receipt"
"""The key of the token in the data of a message."""
RECEIPT_BYTES: Final = len(RECEIPT_KEY) + 88
"""What the key and the token add to a message at most."""


def sign_push_receipt(tokens: LinkTokens, delivery_id: str, attempt: int, redrive_count: int) -> str:
    """The token for an attempt; it names the delivery and gives no access to anything else."""
    return tokens.sign("receipt", delivery_id, str(attempt), str(redrive_count))
