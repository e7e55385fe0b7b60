"""Orders in the back office: never added or deleted; they change through services, in steps, edits and returns.

history/admin_orders.py makes of it what is registered: with archived orders in the list and events on the page.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from django.contrib import admin, messages
from django.contrib.admin.options import IncorrectLookupParameters
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.forms import Form
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseNotAllowed, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from config.templatetags.money import money, status_badge
from core.shown_values import shown_states
from orders import admin_export, order_desk
from orders.admin_decisions import EditView, ReturnView
from orders.admin_list import PlacedFilter, TotalFilter
from orders.desk_forms import NOTE_LENGTH, NoteForm, StepForm
from orders.models import Order
from orders.notes import add_note
from orders.returns import RETURNABLE, refunds_of
from orders.seen import Archived, MovedOn
from orders.services import OrderError
from orders.status import Status, allowed_after
from users.models import Address, User

MAX_AT_ONCE = 500  # a request's worth of orders
# A note that could not be written, in the session until the page shows it again.
NOTE_TYPED = "order_note_typed"

if TYPE_CHECKING:
    _OrderAdmin = admin.ModelAdmin[Order]
    _Action = Callable[[Any, HttpRequest, QuerySet[Order]], HttpResponse | None]
else:
    _OrderAdmin = admin.ModelAdmin


def _mark(to: Status) -> _Action:
    """Return the action that takes the selected orders to a status; a cancel is confirmed first."""

    @admin.action(description=order_desk.VERBS[to].replace("order", "orders"), permissions=["change"])
    def act(self: OrderAdmin, request: HttpRequest, queryset: QuerySet[Order]) -> HttpResponse | None:
        return self.take_selected(request, queryset, to)

    act.__name__ = f"mark_{to}"
    return act


class OrderAdmin(_OrderAdmin):
    list_display = ["number", "placed", "customer", "status_shown", "total", "items_told"]
    list_filter = ["status", ("created_at", PlacedFilter), TotalFilter]
    list_select_related = ["customer"]
    search_fields = ["order_id"]  # shows the box; get_search_results answers it
    search_help_text = (
        "Order number, reference, customer, address, product or SKU, words of a note; of thousands that fit, the newest"
    )
    date_hierarchy = "created_at"
    ordering = ["-created_at", "-order_id"]
    list_per_page = 50
    # Nothing on this page counts all orders there are.
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER
    actions = [*(_mark(to) for to in order_desk.VERBS), "export_selected"]
    readonly_fields = [
        "placed", "customer_link", "status_shown", "total", "external_ref", "address",
    ]  # fmt: skip
    fields = (*readonly_fields,)
    locks_rows = False  # each order is a transaction of its own, which compares its revision
    change_form_template = "admin/orders/order/change_form.html"
    change_list_template = "admin/orders/order/change_list.html"
    view_on_site = False

    # --- Who may what ---

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Order | None = None) -> bool:
        return False

    def has_export_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("orders.export_order")

    # --- The list ---

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        query = request.GET.urlencode()
        export = reverse("admin:orders_order_export") + (f"?{query}" if query else "")
        may_export = self.has_export_permission(request)
        return super().changelist_view(request, {"export": export if may_export else "", **(extra_context or {})})

    def export_view(self, request: HttpRequest) -> HttpResponseBase:
        """The list as it is filtered, searched and sorted, all of it, as CSV."""
        if not self.has_export_permission(request):
            raise PermissionDenied
        try:
            orders = self.get_changelist_instance(request).queryset
        except IncorrectLookupParameters:
            return HttpResponseRedirect(reverse("admin:orders_order_changelist") + "?e=1")
        return admin_export.as_csv(self, self.read(orders))

    @admin.action(description="Export CSV", permissions=["export"])
    def export_selected(self, request: HttpRequest, queryset: QuerySet[Order]) -> HttpResponseBase:
        return admin_export.as_csv(self, self.read(queryset))

    def read(self, chosen: QuerySet[Order]) -> Iterator[Order]:
        """Yield what a list or an action is about, with items, as many as fit at a time."""
        raise NotImplementedError

    @admin.display(description="order", ordering="order_id")
    def number(self, order: Order) -> str:
        return str(order)

    @admin.display(description="placed", ordering="created_at")
    def placed(self, order: Order) -> str:
        return date_format(timezone.localtime(order.created_at), "j M Y, H:i")

    @admin.display(description="status", ordering="status")
    def status_shown(self, order: Order) -> SafeString:
        return status_badge(order.status)

    @admin.display(description="items")
    def items_told(self, order: Order) -> str:
        items = list(order.items.all())
        if order.is_incomplete:
            return "temporarily unavailable"
        if not items:
            return "none"
        return f"{items[0]} and {len(items) - 1} more" if len(items) > 1 else str(items[0])

    @admin.display(description="total", ordering="total_amount")
    def total(self, order: Order) -> str:
        return money(order.total_amount)

    def take_selected(self, request: HttpRequest, queryset: QuerySet[Order], to: Status) -> HttpResponse | None:
        """Take the selected orders to a status and say what became of each; a cancel is asked about first."""
        orders = list(self.read(queryset.order_by("pk")[: MAX_AT_ONCE + 1]))
        if len(orders) > MAX_AT_ONCE:
            self.message_user(request, f"Choose {MAX_AT_ONCE} orders at most. Nothing was changed.", messages.ERROR)
            return None
        if to == Status.CANCELLED and "confirmed" not in request.POST:
            return self._ask(
                request, "admin/orders/order/cancel_selected.html", {"title": "Cancel these orders?"}, orders
            )
        assert request.user.is_authenticated
        revisions = {int(key): int(rev) for key, rev in shown_states(request).items() if f"{key}{rev}".isdecimal()}
        outcome = order_desk.take_each(orders, to=to, by=request.user, at=timezone.now(), revisions=revisions)
        few = messages.WARNING if outcome.done else messages.ERROR
        self.message_user(request, str(outcome), few if outcome.refused else messages.SUCCESS)
        return None

    def state_of(self, row: Any) -> str:
        """Return what the list carries of an order: its revision."""
        return str(row.rev)

    def describe_change(self, request: HttpRequest, row: Any) -> str:
        assert request.user.is_authenticated
        order = Order.objects.filter(pk=row.pk).first()
        return MovedOn(order, reader=request.user).change if order else str(Archived(row.pk))

    # --- The page of one order ---

    @admin.display(description="customer")
    def customer_link(self, order: Order) -> SafeString:
        # An archived order outlives its customer's row.
        customer = User.objects.filter(pk=order.customer_id).first()
        if customer is None:
            return format_html("number {}, not here any more", order.customer_id)
        url = reverse("admin:users_user_change", args=[customer.pk])
        return format_html('<a href="{}">{}</a> ({})', url, customer, customer.email)

    @admin.display(description="shipping address")
    def address(self, order: Order) -> SafeString:
        return format_html_join("", "{}<br>", ((line,) for line in address_lines(order.shipping_address)))

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
                "refunds": refunds_of(order),
                "steps": self._steps(request, order),
                "may_note": self.has_change_permission(request, order),
                "may_edit": order.status == Status.PENDING and self.has_change_permission(request, order),
                "may_return": self._may_return(request, order),
                "note_typed": request.session.pop(NOTE_TYPED, {}),
            }
        return super().change_view(request, object_id, form_url, context)

    def _may_return(self, request: HttpRequest, order: Order) -> bool:
        is_possible = order.status in RETURNABLE and not order.is_archived
        return is_possible and request.user.has_perm(ReturnView.permission)

    def _steps(self, request: HttpRequest, order: Order) -> list[tuple[Status, str]]:
        if not self.has_change_permission(request, order):
            return []
        return [(to, order_desk.VERBS[to]) for to in allowed_after(order.status) if to in order_desk.VERBS]

    def get_urls(self) -> list[URLPattern]:
        pages: dict[str, tuple[str, Callable[..., HttpResponseBase]]] = {
            "export/": ("export", self.export_view),
            "<int:order_id>/status/": ("status", self.status_view),
            "<int:order_id>/note/": ("note", self.note_view),
            "<int:order_id>/edit/": ("edit", EditView.as_view()),
            "<int:order_id>/return/": ("return", ReturnView.as_view()),
        }
        own = [
            path(route, self.admin_site.admin_view(page), name=f"orders_order_{name}")
            for route, (name, page) in pages.items()
        ]
        return [*own, *super().get_urls()]

    def note_view(self, request: HttpRequest, order_id: int) -> HttpResponse:
        """Add a note to an order, whatever its status and whoever changed it meanwhile."""
        if request.method == "POST":
            order = get_object_or_404(Order, pk=order_id)
            if not self.has_change_permission(request, order):
                raise PermissionDenied
            self._add_note(request, order, NoteForm(request.POST))
        return HttpResponseRedirect(reverse("admin:orders_order_change", args=[order_id]))

    def _add_note(self, request: HttpRequest, order: Order, form: NoteForm) -> None:
        assert request.user.is_authenticated
        if not form.is_valid():
            self._refuse(request, form, "text")
            return
        note, to_customer = form.cleaned_data, form.cleaned_data["audience"] == "customer"
        add_note(
            order,
            text=note["text"],
            to_customer=to_customer,
            seen_rev=note["rev"],
            by=request.user,
            at=timezone.now(),
        )
        told = "The customer sees your note on the page of the order." if to_customer else "Your note is kept."
        self.message_user(request, told, messages.SUCCESS)

    def _refuse(self, request: HttpRequest, form: Form, field: str) -> None:
        """Say what is wrong with a form of the order's page, and have it show again what was typed into its field."""
        told = " ".join(f"{name}: {', '.join(map(str, errors))}" for name, errors in form.errors.items())
        self.message_user(request, f"Nothing was changed. {told}", messages.ERROR)
        request.session[NOTE_TYPED] = {field: request.POST.get(field, "").replace("\0", "")[:NOTE_LENGTH]}

    def status_view(self, request: HttpRequest, order_id: int) -> HttpResponse:
        """Take one order a step further and go back to its page; a cancel is asked about first."""
        if request.method != "POST":
            return HttpResponseRedirect(reverse("admin:orders_order_change", args=[order_id]))
        order = get_object_or_404(Order, pk=order_id)
        if not self.has_change_permission(request, order):
            raise PermissionDenied
        form = StepForm(request.POST)
        if not form.is_valid():
            self._refuse(request, form, "note")
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
            request.session[NOTE_TYPED] = {"note": step["note"]}
        else:
            self.message_user(request, f"Order {order} is {changed.get_status_display().lower()}.", messages.SUCCESS)

    def _ask(self, request: HttpRequest, template: str, context: dict[str, Any], orders: list[Order]) -> HttpResponse:
        frame = {**self.admin_site.each_context(request), "opts": self.opts, "media": self.media, "orders": orders}
        return TemplateResponse(request, template, {**frame, **context})


def address_lines(address: Any) -> list[str]:
    """Name, street, place as they are shown everywhere, then whatever else an import or plain SQL put there."""
    if not isinstance(address, dict):
        return [str(address)]
    rest = [f"{name}: {value}" for name, value in address.items() if name not in Address.LINES]
    return Address.written(address) + rest
