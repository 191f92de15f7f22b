"""Callbacks: what the providers post to Herold after they accepted a message, signed as the vendors sign it."""
