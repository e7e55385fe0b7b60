"""Invented people, some with a password that everybody knows, come into no real shop."""

from __future__ import annotations

import pytest
from django.core.management import CommandError, call_command, get_commands

from catalog.models import Product
from users.models import User

SEEDS = sorted(name for name in get_commands() if name.startswith("seed_"))


@pytest.mark.django_db
@pytest.mark.parametrize("options", [{}, {"if_empty": True}, {"yes": True}])
@pytest.mark.parametrize("command", SEEDS)
def test_no_command_fills_a_real_shop(settings, command, options):
    settings.LOCAL = False
    known = {"seed_demo": {"if_empty"}, "seed_load": {"yes"}}

    with pytest.raises(CommandError, match="LOCAL is not set"):
        call_command(command, **{name: value for name, value in options.items() if name in known[command]})

    assert not User.objects.exists()
    assert not Product.objects.exists()


def test_these_commands_make_people():
    assert SEEDS == ["seed_demo", "seed_load"]
