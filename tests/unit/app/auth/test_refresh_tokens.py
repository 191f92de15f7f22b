"""Refresh tokens, and how one follows the other."""

import os

from app.auth.refresh_tokens import derive_next_token, hash_token, is_refresh_token, make_refresh_token
from app.auth.secret_box import SecretBox


def test_the_next_token_is_always_the_same_and_needs_the_secret() -> None:
    box, token = SecretBox([b"1" * 32]), make_refresh_token(os.urandom)
    following = derive_next_token(box, token)
    assert following == derive_next_token(box, token)
    assert following not in (token, derive_next_token(SecretBox([b"2" * 32]), token), derive_next_token(box, following))


def test_tokens_look_like_tokens() -> None:
    token = make_refresh_token(os.urandom)
    assert is_refresh_token(token)
    assert is_refresh_token(derive_next_token(SecretBox([b"1" * 32]), token))
    assert not any(map(is_refresh_token, ["", token[:-1], token + "A", token.removeprefix("hrr_"), token[:-1] + "\n", "hrr_" + "é" * 43]))
    assert hash_token(token) != hash_token(make_refresh_token(os.urandom))
