"""PostgreSQL and a MongoDB-compatible server from wheels, for a machine that has neither. Imports no Django."""
