"""Filters of the back office's list of orders that other pages link to: by one customer, by one product."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.contrib.admin.options import IncorrectLookupParameters
from django.db.models import Q, QuerySet
from django.http import HttpRequest

from catalog.models import Product
from history.models import ArchivedOrder
from orders.models import OrderItem
from users.models import User


class NumberFilter(admin.SimpleListFilter):
    """Narrows by the number of one row; shown where it is in use only."""

    model: type[User] | type[Product]

    def lookups(self, request: HttpRequest, model_admin: admin.ModelAdmin[Any]) -> list[tuple[str, str]]:
        if not self.value():
            return []
        row = self.model._base_manager.filter(pk=self.number()).first()
        return [(str(self.number()), str(row or f"#{self.number()}"))]

    def number(self) -> int:
        value = self.value() or ""
        if not (value.isascii() and value.isdigit() and len(value) < 19):
            raise IncorrectLookupParameters(f"{self.parameter_name} is a number.")
        return int(value)


class CustomerFilter(NumberFilter):
    title = "customer"
    parameter_name = "person"
    model = User

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(customer_id=self.number()) if self.value() else queryset


class ProductFilter(NumberFilter):
    title = "product"
    parameter_name = "product"
    model = Product

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if not self.value():
            return queryset
        live = OrderItem.objects.filter(product_id=self.number()).values("order_id")
        archived = ArchivedOrder.objects.filter(product_ids__contains=[self.number()]).values("order_id")
        return queryset.filter(Q(pk__in=live) | Q(pk__in=archived))
