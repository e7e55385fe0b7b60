"""Counts are kept as long as they were dear."""

import time

import pytest

from catalog import counts


@pytest.fixture(autouse=True)
def nothing_kept(monkeypatch):
    monkeypatch.setattr(counts, "KEEP_FROM", 0.02)
    monkeypatch.setattr(counts, "_kept", {})


def dear():
    time.sleep(0.03)
    return object()


def test_what_is_cheap_is_counted_each_time():
    assert counts.kept("a", object) is not counts.kept("a", object)


def test_what_is_dear_is_kept_by_its_key():
    first = counts.kept("a", dear)

    assert counts.kept("a", dear) is first
    assert counts.kept("b", dear) is not first


def test_it_is_counted_anew_after_a_while(monkeypatch):
    monkeypatch.setattr(counts, "KEEP_FACTOR", 1)
    first = counts.kept("a", dear)
    time.sleep(0.06)

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
        counts.kept(key, dear)

    assert len(counts._kept) == 3
