"""What the vendors' documents say about a request: constraints as data, in a part of JSON Schema, and types that check them."""
