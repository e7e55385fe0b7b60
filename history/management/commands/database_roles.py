"""manage.py database_roles: print the SQL that gives web and relay roles without rights over tables."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.db import connection

from history import database_roles


class Command(BaseCommand):
    help = "Print the SQL that makes PostgreSQL's roles of web and relay; changes nothing itself."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--web", default="shop_web", help="The role of the web servers.")
        parser.add_argument("--relay", default="shop_relay", help="The role of all other processes.")

    def handle(self, *args: Any, web: str, relay: str, **options: Any) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT current_database(), tableowner FROM pg_tables WHERE tablename = 'history_events'")
            database, owner = cursor.fetchone()
        self.stdout.write(database_roles.statements(database=database, owner=owner, web=web, relay=relay))
