"""Orders in the back office, live and archived in one list; an archived one is only looked at, or restored."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.views.main import ChangeList
from django.core.exceptions import PermissionDenied
from django.db import connection
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from pymongo.errors import PyMongoError

from history.admin_order_filters import CustomerFilter, ProductFilter
from history.archive import back, lists
from history.archive.finding import Found, find
from history.every_order import EveryOrder
from history.models import Event
from history.order_mails import MailTold, with_mails
from history.past import views as past_views
from history.told_changes import told_event
from orders import order_desk
from orders.admin import OrderAdmin
from orders.models import Order

ARCHIVE = "history.archive_order"

# Each product by the index: for many at once the planner would read the whole table.
WITH_PRODUCTS = """
SELECT order_id FROM unnest(%s::bigint[]) AS wanted (product_id) CROSS JOIN LATERAL (
    SELECT order_id FROM archived_orders WHERE product_ids @> ARRAY[wanted.product_id] OFFSET 0
) AS found LIMIT %s
"""
# Notes and reasons, for staff and customers; references of archived orders. Migration 0029 has the indexes.
WITH_WORDS = """
(SELECT order_id FROM history_events WHERE note <> '' AND search_set(note) @@ %(query)s::tsquery LIMIT %(limit)s)
UNION
(SELECT order_id FROM archived_orders WHERE search_set(external_ref) @@ %(query)s::tsquery LIMIT %(limit)s)
"""


class EveryOrderList(ChangeList):
    def get_results(self, request: HttpRequest) -> None:
        """Turn the page's rows into orders with their items."""
        super().get_results(request)
        self.result_list = lists.as_orders(self.result_list)


class EveryOrderAdmin(OrderAdmin):
    list_filter = [*OrderAdmin.list_filter, CustomerFilter, ProductFilter]

    # --- The list ---

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return EveryOrderList

    def get_queryset(self, request: HttpRequest) -> QuerySet[Order]:
        """Rows of every_order, whose fields are called as an order's; read makes orders of them."""
        rows: QuerySet[Any] = EveryOrder.objects.all()
        return rows

    def read(self, chosen: QuerySet[Order]) -> Iterator[Order]:
        rows: Iterable[Any] = chosen.iterator(chunk_size=lists.AT_ONCE)
        return lists.each(rows)

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Order], search_term: str
    ) -> tuple[QuerySet[Order], bool]:
        return order_desk.matching(queryset, search_term, elsewhere=ELSEWHERE), False

    @admin.display(description="order", ordering="order_id")
    def number(self, order: Order) -> SafeString | str:
        if not order.is_archived:
            return super().number(order)
        return format_html('{} <span class="badge-archived">Archived</span>', order)

    # --- The page of one order ---

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> Order | None:
        found = self._found(request, object_id)
        return found.order if found else None

    def _found(self, request: HttpRequest, object_id: str) -> Found | None:
        """Read it once, however often the making of its page asks for it."""
        known: dict[str, Found | None] = vars(request).setdefault("found_orders", {})
        if object_id not in known:
            is_number = object_id.isascii() and object_id.isdigit()
            known[object_id] = find(int(object_id)) if is_number else None
        return known[object_id]

    def has_change_permission(self, request: HttpRequest, obj: Order | None = None) -> bool:
        return super().has_change_permission(request, obj) and not (obj and obj.is_archived)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        if request.GET.get("as_of") and object_id.isascii() and object_id.isdigit():
            if not self.has_view_permission(request):
                raise PermissionDenied
            return past_views.for_desk(request, int(object_id))
        found = self._found(request, object_id)
        context = {"events": [], "may_restore": False} | (extra_context or {})
        if found:
            context["events"] = [told_event(event) for event in _events(found)]
            context["unreadable"] = found.unreadable
            context["may_restore"] = found.order.is_archived and request.user.has_perm(ARCHIVE)
        response = super().change_view(request, object_id, form_url, context)
        if found and found.unreadable:
            response.status_code = 503
        return response

    # --- Restoring it ---

    def get_urls(self) -> list[URLPattern]:
        page = self.admin_site.admin_view(self.restore_view)
        return [path("<int:order_id>/restore/", page, name="orders_order_restore"), *super().get_urls()]

    def restore_view(self, request: HttpRequest, order_id: int) -> HttpResponse:
        """Ask whether an archived order is to come back, and bring it back."""
        if not (request.user.has_perm(ARCHIVE) and self.has_view_permission(request)):
            raise PermissionDenied
        found = find(order_id)
        if found is None:
            raise Http404
        if not found.order.is_archived:
            self.message_user(request, f"Order {found.order} is not archived any more.", messages.INFO)
        elif request.method == "POST":
            self._restore(request, order_id)
        else:
            context = {"opts": self.opts, "title": f"Restore order {found.order}?", "order": found.order}
            frame = self.admin_site.each_context(request)
            return TemplateResponse(request, "admin/orders/order/restore.html", frame | context)
        return HttpResponseRedirect(reverse("admin:orders_order_change", args=[order_id]))

    def _restore(self, request: HttpRequest, order_id: int) -> None:
        assert request.user.is_authenticated
        try:
            back.restore(order_id, by=request.user, at=timezone.now())
        except back.NotArchived:
            self.message_user(request, f"Order #{order_id} is not archived any more.", messages.INFO)
        except back.NotRestorable as error:
            self.message_user(request, str(error), messages.ERROR)
        except PyMongoError:
            told = "MongoDB is not reachable, so the order stays archived. Try again later."
            self.message_user(request, told, messages.ERROR)
        else:
            self.message_user(request, f"Order #{order_id} is back from the archive.", messages.SUCCESS)


def _with_products(product_ids: list[int]) -> list[int]:
    with connection.cursor() as cursor:
        cursor.execute(WITH_PRODUCTS, [product_ids, order_desk.MANY_ORDERS])
        return [order_id for (order_id,) in cursor.fetchall()]


def _with_words(query: str) -> list[int]:
    with connection.cursor() as cursor:
        cursor.execute(WITH_WORDS, {"query": query, "limit": order_desk.MANY_ORDERS})
        return [order_id for (order_id,) in cursor.fetchall() if order_id]


ELSEWHERE = order_desk.Elsewhere(_with_products, _with_words)


def _events(found: Found) -> list[Event | MailTold]:
    """Newest first, with the mails between them."""
    order = found.order
    events = reversed(found.archived_events) if order.is_archived else Event.objects.of_order(order.pk).reverse()
    return with_mails(events, order.pk)
