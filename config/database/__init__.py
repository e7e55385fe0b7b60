"""Django's PostgreSQL backend, whose transactions say which request they belong to."""
