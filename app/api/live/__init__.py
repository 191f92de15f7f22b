"""The live view: what happens now, over WebSocket and server-sent events (docs/guide/live.md)."""
