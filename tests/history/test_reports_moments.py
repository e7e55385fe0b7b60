"""The past moment of an address: in the shop's zone, or with its offset from UTC."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from history.reports import moments

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("zone", "written", "meant"),
    [
        ("UTC", "2026-11-20T18:00", datetime(2026, 11, 20, 18, tzinfo=UTC)),
        ("Europe/Paris", "2026-11-20T18:00", datetime(2026, 11, 20, 17, tzinfo=UTC)),
        ("Europe/Paris", "2026-11-20T18:00:01.2345", datetime(2026, 11, 20, 17, 0, 1, 234000, tzinfo=UTC)),
        ("Europe/Paris", "2026-11-20 18:00", datetime(2026, 11, 20, 17, tzinfo=UTC)),
        ("Europe/Paris", "2026-11-20", datetime(2026, 11, 20, 22, 59, 59, 999000, tzinfo=UTC)),  # the end of the day
        ("America/Sao_Paulo", "2018-11-03", datetime(2018, 11, 4, 2, 59, 59, 999000, tzinfo=UTC)),  # before no 00:00
        ("Europe/Paris", "2026-11-20T18:00Z", datetime(2026, 11, 20, 18, tzinfo=UTC)),
        ("Europe/Paris", "2026-11-20T18:00+05:30", datetime(2026, 11, 20, 12, 30, tzinfo=UTC)),
        ("Europe/Paris", "2026-11-20T18:00 05:30", datetime(2026, 11, 20, 12, 30, tzinfo=UTC)),
        ("America/Sao_Paulo", "2018-11-04T00:30", datetime(2018, 11, 4, 3, 30, tzinfo=UTC)),  # there was no 00:30
        ("Europe/Paris", "2026-10-25T02:30", datetime(2026, 10, 25, 0, 30, tzinfo=UTC)),  # twice: the first
        ("UTC", "1970-01-01T00:00", datetime(1970, 1, 1, tzinfo=UTC)),
        ("Europe/Paris", "2026-11-22T13:00", NOW),
    ],
)
def test_a_moment_is_one_in_the_shops_zone_or_with_its_offset(settings, zone, written, meant):
    settings.TIME_ZONE = zone

    assert moments.read(written, NOW) == (meant, [])
