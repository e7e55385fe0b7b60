"""JSON columns out of which money comes as exact as it went in."""

from __future__ import annotations

import json
from collections.abc import Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from django.db import models

if TYPE_CHECKING:
    _JSONField = models.JSONField[Any, Any]
else:
    _JSONField = models.JSONField


class ExactDecoder(json.JSONDecoder):
    """Reads numbers with a point as Decimal."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**{"parse_float": Decimal} | options)


class ExactJSONField(_JSONField):
    def __init__(self, **options: Any) -> None:
        super().__init__(**{"decoder": ExactDecoder} | options)

    def deconstruct(self) -> tuple[str, str, Sequence[Any], dict[str, Any]]:
        # The column is like any jsonb, and migrations import nothing of ours.
        name, _, args, options = super().deconstruct()
        del options["decoder"]
        return name, "django.db.models.JSONField", args, options
