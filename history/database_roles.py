"""The rights of web and of the other processes in PostgreSQL, as SQL for its administrator.

Migrations run as the owner of the tables. Web and relay are roles of their own that own nothing, so that no query
that a page can be talked into makes, alters, empties or drops a table, or changes what an event says.
"""

from __future__ import annotations

from psycopg import sql

# {web}: gunicorn. {relay}: relay, send_mails, import_products, deliver_webhooks and the commands. {owner}: migrate.
SETUP = """\
-- Run as a superuser, or as the owner of the database where it may make roles, in the database, after
-- `manage.py migrate`: one transaction. It may be run again, and has to be after an upgrade whose notes say so.
-- Give both roles a password with \\password.
BEGIN;
DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = {web_name}) THEN
        CREATE ROLE {web} LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS;
    END IF;
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = {relay_name}) THEN
        CREATE ROLE {relay} LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS;
    END IF;
END $$;

-- Tables are made by the owner alone; imports of order books need temporary ones.
REVOKE CREATE ON SCHEMA public FROM PUBLIC;
REVOKE TEMPORARY ON DATABASE {database} FROM PUBLIC;
GRANT TEMPORARY ON DATABASE {database} TO {relay};
GRANT CONNECT ON DATABASE {database} TO {web}, {relay};
GRANT USAGE ON SCHEMA public TO {web}, {relay};

-- Rows, never tables: no TRUNCATE, no TRIGGER, no REFERENCES. The same for tables that later migrations make.
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {web}, {relay};
GRANT USAGE, SELECT, UPDATE ON ALL SEQUENCES IN SCHEMA public TO {web}, {relay};
ALTER DEFAULT PRIVILEGES FOR ROLE {owner} IN SCHEMA public
    GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO {web}, {relay};
ALTER DEFAULT PRIVILEGES FOR ROLE {owner} IN SCHEMA public
    GRANT USAGE, SELECT, UPDATE ON SEQUENCES TO {web}, {relay};

-- Which migrations ran is the owner's to write.
REVOKE INSERT, UPDATE, DELETE ON django_migrations FROM {web}, {relay};
-- What happened stays: the web adds to the log and to the stock ledger, and has parked events tried again.
REVOKE UPDATE, DELETE ON history_events, stock_movements FROM {web};
GRANT UPDATE (delivered_at, parked_at, retry_at, attempts, error) ON history_events TO {web};
COMMIT;
"""


def statements(*, database: str, owner: str, web: str, relay: str) -> str:
    """Return the SQL that makes both roles and gives them their rights; it may be run again."""
    return (
        sql.SQL(SETUP)
        .format(
            database=sql.Identifier(database),
            owner=sql.Identifier(owner),
            web=sql.Identifier(web),
            relay=sql.Identifier(relay),
            web_name=sql.Literal(web),
            relay_name=sql.Literal(relay),
        )
        .as_string()
    )
