"""manage.py export_user: everything both stores hold about a person, as JSON."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from core import private_files
from history import personal_data
from users.models import User


class Command(BaseCommand):
    help = "Write everything both stores hold about a person as JSON, as their account page gives it to them."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("email", metavar="EMAIL")
        parser.add_argument("file", metavar="FILE", nargs="?", help="Without it, JSON is printed.")

    def handle(self, *args: Any, email: str, file: str | None, **options: Any) -> None:
        user = User.objects.filter(email=email).first()
        if user is None:
            raise CommandError(f"Nobody has an account with the address {email}.")
        found = personal_data.of(user, at=timezone.now())
        text = json.dumps(found, cls=personal_data.Encoder, indent=2)
        if file is None:
            self.stdout.write(text)
        else:
            try:
                with private_files.replacing(Path(file)) as draft:
                    draft.write_text(f"{text}\n", encoding="utf-8")
            except OSError as error:
                raise CommandError(f"{file} cannot be written: {error.strerror}.") from error
            self.stdout.write(f"{file}: {len(found['orders']):,} orders and {len(text):,} characters in all.")
        if found["missing"]:
            raise CommandError(f"The file is incomplete. {'; '.join(found['missing'])}.")
