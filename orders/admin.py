"""Orders in the back office: looked at, never added, edited or deleted; a status changes through the order desk.

history/admin.py registers OrderAdmin, because the page shows an order's events.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.loader import render_to_string
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from orders import order_desk
from orders.forms import CheckoutForm
from orders.models import Order
from orders.services import OrderError
from orders.status import Status, allowed_after

MAX_AT_ONCE = 500  # a request's worth of orders

if TYPE_CHECKING:
    _OrderAdmin = admin.ModelAdmin[Order]
    _Action = Callable[[Any, HttpRequest, QuerySet[Order]], HttpResponse | None]
else:
    _OrderAdmin = admin.ModelAdmin


class StepForm(forms.Form):
    """One step of one order, as decided in front of the page that showed revision rev."""

    to = forms.ChoiceField(choices=Status)
    rev = forms.IntegerField()
    note = forms.CharField(required=False, max_length=1000)
    confirmed = forms.BooleanField(required=False)


def _mark(to: Status) -> _Action:
    """Return the action that takes the selected orders to a status; a cancel is confirmed first."""

    @admin.action(description=order_desk.VERBS[to].replace("order", "orders"), permissions=["change"])
    def act(self: OrderAdmin, request: HttpRequest, queryset: QuerySet[Order]) -> HttpResponse | None:
        return self.take_selected(request, queryset, to)

    act.__name__ = f"mark_{to}"
    return act


class OrderAdmin(_OrderAdmin):
    list_display = ["number", "placed", "customer", "status_shown", "total", "items_told"]
    list_filter = ["status", "created_at"]
    list_select_related = ["customer"]
    search_fields = ["order_id"]  # shows the box; get_search_results answers it
    search_help_text = "Order number, e-mail or name of the customer, product or SKU; of thousands that fit, the newest"
    date_hierarchy = "created_at"
    ordering = ["-created_at", "-order_id"]
    list_per_page = 50
    show_full_result_count = False
    actions = [_mark(to) for to in order_desk.VERBS]
    readonly_fields = [
        "placed", "customer_link", "status_shown", "total", "external_ref", "address",
    ]  # fmt: skip
    fields = (*readonly_fields,)
    change_form_template = "admin/orders/order/change_form.html"
    view_on_site = False

    # --- Who may what ---

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Order | None = None) -> bool:
        return False

    # --- The list ---

    def get_queryset(self, request: HttpRequest) -> QuerySet[Order]:
        return Order.objects.with_items()

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Order], search_term: str
    ) -> tuple[QuerySet[Order], bool]:
        return order_desk.matching(queryset, search_term), False

    @admin.display(description="order", ordering="order_id")
    def number(self, order: Order) -> str:
        return str(order)

    @admin.display(description="placed", ordering="created_at")
    def placed(self, order: Order) -> str:
        return date_format(timezone.localtime(order.created_at), "j M Y, H:i")

    @admin.display(description="status", ordering="status")
    def status_shown(self, order: Order) -> SafeString:
        return render_to_string("admin/_status.html", {"status": order.status})

    @admin.display(description="items")
    def items_told(self, order: Order) -> str:
        items = list(order.items.all())
        if not items:
            return "none"
        return f"{items[0]} and {len(items) - 1} more" if len(items) > 1 else str(items[0])

    @admin.display(description="total", ordering="total_amount")
    def total(self, order: Order) -> SafeString:
        return _money(order.total_amount)

    def take_selected(self, request: HttpRequest, queryset: QuerySet[Order], to: Status) -> HttpResponse | None:
        """Take the selected orders to a status and say what became of each; a cancel is asked about first."""
        orders = list(queryset.order_by("pk")[: MAX_AT_ONCE + 1])
        if len(orders) > MAX_AT_ONCE:
            self.message_user(request, f"Choose {MAX_AT_ONCE} orders at most. Nothing was changed.", messages.ERROR)
            return None
        if to == Status.CANCELLED and "confirmed" not in request.POST:
            return self._ask(
                request, "admin/orders/order/cancel_selected.html", {"title": "Cancel these orders?"}, orders
            )
        assert request.user.is_authenticated
        outcome = order_desk.take_each(orders, to=to, by=request.user, at=timezone.now())
        few = messages.WARNING if outcome.done else messages.ERROR
        self.message_user(request, str(outcome), few if outcome.refused else messages.SUCCESS)
        return None

    # --- The page of one order ---

    @admin.display(description="customer")
    def customer_link(self, order: Order) -> SafeString:
        url = reverse("admin:users_user_change", args=[order.customer_id])
        return format_html('<a href="{}">{}</a> ({})', url, order.customer, order.customer.email)

    @admin.display(description="shipping address")
    def address(self, order: Order) -> SafeString:
        return format_html_join("", "{}<br>", ((line,) for line in _address_lines(order.shipping_address)))

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Show an order; its form belongs to status_view, so that nothing here ever saves a whole row."""
        if request.method not in ("GET", "HEAD"):
            return HttpResponseNotAllowed(["GET", "HEAD"])
        context = dict(extra_context or {})
        order = self.get_object(request, object_id)
        if order is not None:
            form_url = reverse("admin:orders_order_status", args=[order.pk])
            context |= {
                "title": f"Order {order}",
                "subtitle": None,
                "items": order.items.all(),
                "steps": self._steps(request, order),
            }
        return super().change_view(request, object_id, form_url, context)

    def _steps(self, request: HttpRequest, order: Order) -> list[tuple[Status, str]]:
        if not self.has_change_permission(request, order):
            return []
        return [(to, order_desk.VERBS[to]) for to in allowed_after(order.status)]

    def get_urls(self) -> list[URLPattern]:
        status = path(
            "<int:order_id>/status/", self.admin_site.admin_view(self.status_view), name="orders_order_status"
        )
        return [status, *super().get_urls()]

    def status_view(self, request: HttpRequest, order_id: int) -> HttpResponse:
        """Take one order a step further and go back to its page; a cancel is asked about first."""
        if request.method != "POST":
            return HttpResponseRedirect(reverse("admin:orders_order_change", args=[order_id]))
        order = get_object_or_404(Order, pk=order_id)
        if not self.has_change_permission(request, order):
            raise PermissionDenied
        form = StepForm(request.POST)
        if not form.is_valid():
            told = " ".join(f"{name}: {', '.join(map(str, errors))}" for name, errors in form.errors.items())
            self.message_user(request, f"Nothing was changed. {told}", messages.ERROR)
        elif form.cleaned_data["to"] == Status.CANCELLED and not form.cleaned_data["confirmed"]:
            context = {"title": f"Cancel order {order}?", "step": form.cleaned_data}
            return self._ask(request, "admin/orders/order/cancel.html", context, [order])
        else:
            self._take_step(request, order, form.cleaned_data)
        return HttpResponseRedirect(reverse("admin:orders_order_change", args=[order_id]))

    def _take_step(self, request: HttpRequest, order: Order, step: dict[str, Any]) -> None:
        assert request.user.is_authenticated
        try:
            changed = order_desk.take_step(
                order,
                seen_rev=step["rev"],
                to=step["to"],
                by=request.user,
                at=timezone.now(),
                note=step["note"],
            )
        except OrderError as error:
            self.message_user(request, str(error), messages.ERROR)
        else:
            self.message_user(request, f"Order {order} is {changed.get_status_display().lower()}.", messages.SUCCESS)

    def _ask(self, request: HttpRequest, template: str, context: dict[str, Any], orders: list[Order]) -> HttpResponse:
        frame = {**self.admin_site.each_context(request), "opts": self.opts, "media": self.media, "orders": orders}
        return TemplateResponse(request, template, {**frame, **context})


def _address_lines(address: Any) -> list[str]:
    """Name, street, place as checkout asked them, then whatever else an import or plain SQL put there."""
    if not isinstance(address, dict):
        return [str(address)]
    known = [str(address[name]) for name in CheckoutForm.ADDRESS if address.get(name)]
    return known + [f"{name}: {value}" for name, value in address.items() if name not in CheckoutForm.ADDRESS]


def _money(amount: Any) -> SafeString:
    return render_to_string("admin/_money.html", {"amount": amount})
