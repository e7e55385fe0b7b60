"""Statements that go to PostgreSQL as one message: none of them has to wait here for the one before.

Each way there and back costs as much as a short statement.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db import connection

# SQL and its parameters.
Statement = tuple[str, Sequence[Any]]

SEPARATOR = ";\n"


def execute(*statements: Statement) -> None:
    """Execute one after the other, up to the first that fails; what they return is not asked for.

    The caller is in a transaction, which undoes the others then. No SQL ends in a comment. Django binds values on this
    side, unless its server_side_binding is switched on: then PostgreSQL takes one statement a message.
    """
    with connection.cursor() as cursor:
        parameters = [value for _, values in statements for value in values]
        cursor.execute(SEPARATOR.join(sql.strip() for sql, _ in statements), parameters)
