"""Import and export of many users and preferences, straight to and from PostgreSQL."""
