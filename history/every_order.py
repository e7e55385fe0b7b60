"""Every order there is, live or archived: what lists choose, count and page.

Source: PostgreSQL, the view every_order (migration 0015) over orders and archived_orders.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.conf import settings
from django.db import models

if TYPE_CHECKING:
    from users.models import User


class EveryOrderQuerySet(models.QuerySet["EveryOrder"]):
    def for_customer(self, customer: User) -> EveryOrderQuerySet:
        return self.filter(customer=customer)

    def newest_first(self) -> EveryOrderQuerySet:
        return self.order_by("-created_at", "-order_id")


class EveryOrder(models.Model):
    """One row of a list; history.archive.lists makes orders with their items of them.

    Its fields are called as orders.models.Order calls them. sha256: of an archived order's document, else None.
    """

    order_id = models.BigIntegerField(primary_key=True)
    # Without its customer's row an order is listed all the same.
    customer = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        on_delete=models.DO_NOTHING,
        related_name="+",
        db_column="user_id",
        db_constraint=False,
    )
    total_amount = models.DecimalField(max_digits=12, decimal_places=2)
    status = models.CharField(max_length=20)
    created_at = models.DateTimeField()
    rev = models.IntegerField()
    external_ref = models.CharField(max_length=64, null=True)
    sha256 = models.CharField(max_length=64, null=True)
    is_archived = models.BooleanField()

    objects = EveryOrderQuerySet.as_manager()

    class Meta:
        managed = False
        db_table = "every_order"
        default_permissions = ()

    def __str__(self) -> str:
        return f"#{self.order_id}"
