"""The keys that seal personal data, from the settings (docs/decisions/0047)."""
