"""How people log in: passwords, one-time codes, passkeys, OpenID providers, and the tokens that they get (docs/decisions/0046)."""
