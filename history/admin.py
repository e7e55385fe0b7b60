"""The log in the back office, as a list that shows what waits for the mirror; and all that history adds there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.template.loader import render_to_string
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from catalog.models import Product
from history.admin_activity import activity_page
from history.admin_erasure import ErasureAdmin
from history.admin_mirror import mirror_page, requeue_events
from history.admin_orders import EveryOrderAdmin
from history.admin_products import ProductWithHistoryAdmin
from history.admin_users import UserWithOrdersAdmin
from history.models import Delivery, Endpoint, Event
from history.told_changes import told_changes
from history.webhooks.admin import DeliveryAdmin, EndpointAdmin
from orders.models import Order
from users.models import Erasure, User

if TYPE_CHECKING:
    _EventAdmin = admin.ModelAdmin[Event]
else:
    _EventAdmin = admin.ModelAdmin


admin.site.register(User, UserWithOrdersAdmin)
admin.site.register(Erasure, ErasureAdmin)
admin.site.register(Product, ProductWithHistoryAdmin)
admin.site.register(Order, EveryOrderAdmin)
admin.site.register(Endpoint, EndpointAdmin)
admin.site.register(Delivery, DeliveryAdmin)


class DeliveryFilter(admin.SimpleListFilter):
    title = "delivery"
    parameter_name = "delivery"

    def lookups(self, request: HttpRequest, model_admin: admin.ModelAdmin[Any]) -> list[tuple[str, str]]:
        return [("pending", "Pending"), ("parked", "Parked with an error"), ("delivered", "Delivered")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Event]) -> QuerySet[Event]:
        match self.value():
            case "pending":
                return queryset.filter(delivered_at__isnull=True)
            case "parked":
                return queryset.filter(delivered_at__isnull=True, parked_at__isnull=False)
            case "delivered":
                return queryset.filter(delivered_at__isnull=False)
        return queryset


@admin.register(Event)
class EventAdmin(_EventAdmin):
    """Read-only: the log is append-only and the database would refuse anything else."""

    list_display = ["event_id", "about", "rev", "kind", "delivery", "status_shown", "occurred_at", "actor_name"]
    list_filter = [DeliveryFilter, "subject", "kind", "occurred_at"]
    search_fields = ["order_id"]  # shows the box; get_search_results answers it
    search_help_text = "Order number"
    ordering = ["-event_id"]
    list_per_page = 50
    show_full_result_count = False
    actions = None
    readonly_fields = [
        "about", "rev", "kind", "status_shown", "occurred_at", "is_time_known", "actor_id", "actor_name", "note",
        "what_changed", "request_id", "recorded_at", "delivered_at", "parked_at", "retry_at", "attempts", "error",
    ]  # fmt: skip
    fields = (*readonly_fields,)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Event | None = None) -> bool:
        return False

    has_delete_permission = has_change_permission

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Event], search_term: str
    ) -> tuple[QuerySet[Event], bool]:
        text = search_term.strip()
        if not text:
            return queryset, False
        number = text.removeprefix("#")
        is_number = number.isascii() and number.isdigit() and len(number) < 19
        return (queryset.filter(order_id=int(number)) if is_number else queryset.none()), False

    def get_urls(self) -> list[URLPattern]:
        pages = {"activity": activity_page, "mirror": mirror_page, "requeue": requeue_events}
        own = [
            path(f"{name}/", self.admin_site.admin_view(page), name=f"history_{name}") for name, page in pages.items()
        ]
        return [*own, *super().get_urls()]

    @admin.display(description="about", ordering="order_id")
    def about(self, event: Event) -> SafeString | str:
        if event.order_id is None:
            return f"{event.get_subject_display()}: {event.subject_name or 'unknown'}"
        url = reverse("admin:orders_order_change", args=[event.order_id])
        return format_html('<a href="{}">#{}</a>', url, event.order_id)

    @admin.display(description="status", ordering="status")
    def status_shown(self, event: Event) -> SafeString | str:
        if not event.status:
            return "–"
        return render_to_string("admin/_status.html", {"status": event.status})

    @admin.display(description="delivery")
    def delivery(self, event: Event) -> str:
        if event.delivered_at:
            return "Delivered"
        return f"Parked: {event.error}" if event.parked_at else "Pending"

    @admin.display(description="changes")
    def what_changed(self, event: Event) -> SafeString:
        return format_html_join("", "{}<br>", ((line,) for line in told_changes(event.changes)))
