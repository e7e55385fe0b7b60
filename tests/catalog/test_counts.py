"""Counts are kept for a moment, longer where they were dear."""

import time

import pytest

from catalog import counts


@pytest.fixture(autouse=True)
def nothing_kept(monkeypatch):
    monkeypatch.setattr(counts, "KEEP_SHORTEST", 0.05)
    monkeypatch.setattr(counts, "KEEP_LONGEST", 60)
    monkeypatch.setattr(counts, "_kept", {})


def dear():
    time.sleep(0.03)
    return object()


def test_each_is_kept_by_its_key():
    first = counts.kept("a", object)

    assert counts.kept("a", object) is first
    assert counts.kept("b", object) is not first


def test_what_was_cheap_is_counted_anew_after_a_moment_and_what_was_dear_is_not():
    cheap, costly = counts.kept("a", object), counts.kept("b", dear)
    time.sleep(0.06)

    assert counts.kept("a", object) is not cheap
    assert counts.kept("b", dear) is costly


def test_nothing_is_kept_for_ever(monkeypatch):
    monkeypatch.setattr(counts, "KEEP_LONGEST", 0.01)
    first = counts.kept("a", dear)
    time.sleep(0.02)

    assert counts.kept("a", dear) is not first


def test_an_error_is_not_kept():
    def broken():
        raise ValueError("bug")

    for _ in range(2):
        with pytest.raises(ValueError, match="bug"):
            counts.kept("a", broken)


def test_only_so_many_are_kept(monkeypatch):
    monkeypatch.setattr(counts, "ROOM", 3)
    for key in range(6):
        counts.kept(key, object)

    assert len(counts._kept) == 3
