from __future__ import annotations

import pytest

from tests import docs


@pytest.mark.parametrize("name", docs.PAGES)
def test_what_is_told_from_the_code_is_as_it_is(name):
    written = (docs.DOCS / name).read_text(encoding="utf-8")

    assert written == docs.PAGES[name](), "run `make docs`"
