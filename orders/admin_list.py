"""What narrows the back office's list of orders."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from config.templatetags.money import money
from orders.models import Order


class PlacedFilter(admin.DateFieldListFilter):
    """Called as the list's column is."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.title = "placed"


class TotalFilter(admin.SimpleListFilter):
    title = "total"
    parameter_name = "total"

    # From, up to but not including.
    BOUNDS = {
        "low": (Decimal(0), Decimal(25)),
        "middle": (Decimal(25), Decimal(100)),
        "high": (Decimal(100), Decimal(500)),
        "highest": (Decimal(500), None),
    }

    def lookups(self, request: HttpRequest, model_admin: admin.ModelAdmin[Any]) -> list[tuple[str, str]]:
        return [
            (name, f"{money(low)} and more" if high is None else f"{money(low)} to under {money(high)}")
            for name, (low, high) in self.BOUNDS.items()
        ]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Order]) -> QuerySet[Order]:
        low, high = self.BOUNDS.get(self.value() or "", (None, None))
        if low is not None:
            queryset = queryset.filter(total_amount__gte=low)
        return queryset if high is None else queryset.filter(total_amount__lt=high)
