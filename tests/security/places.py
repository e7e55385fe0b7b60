"""Attackers from many places, and what the shop mails."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit

from tests.config.processes import ROOT
from tests.security.shops import Shop

# Between the mails of a file.
RULE = "-" * 79 + "\n"


def of(net: int, number: int) -> str:
    """An address of this machine; what is limited is counted by it. net: of one test."""
    return f"127.{net}.{number // 250}.{number % 250 + 1}"


# What the worker does, as long as anything is due.
SEND = """
import django
django.setup()
from django.utils import timezone
from orders.mails import Sender
sender = Sender()
while sender.send_next(at=timezone.now()):
    pass
sender.rest()
"""


def mails(shop: Shop) -> list[str]:
    """The texts of all mails so far, the oldest first; several may be in a file. What waits is sent first."""
    command, variables = [sys.executable, "-c", SEND], os.environ | shop.environment
    subprocess.run(command, cwd=ROOT, env=variables, capture_output=True, check=True)
    folder = Path("/", urlsplit(shop.environment["EMAIL_URL"]).path.lstrip("/"))
    # It is made with the first of them.
    files = sorted(folder.glob("*"), key=lambda file: (file.stat().st_mtime_ns, file.name))
    return [mail for file in files for mail in file.read_text().split(RULE) if mail.strip()]
