"""Pages of the back office where a change of one order is typed, shown, confirmed and made: edit and return."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import Prefetch
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.views.generic import View

from config.templatetags.money import money
from orders import edits, returns
from orders.desk_forms import EditForm, ReturnForm
from orders.models import Order, OrderItem
from orders.seen import MovedOn
from orders.services import OrderError, OutOfStock
from orders.status import Status
from users.models import User


class Decision(View):
    """Asks for a change of an order, shows what it would do, and makes it once that is confirmed.

    Where the order has moved on meanwhile nothing is overwritten: its reader is told, keeps what they typed, and
    decides again in front of the order as it is now.
    """

    permission: str
    template: str
    question: str
    title: str

    def form(self, data: Any = None, initial: Any = None) -> Any:
        raise NotImplementedError

    def obstacle(self) -> OrderError | None:
        """Why this cannot be done with the order at all."""
        raise NotImplementedError

    def plan(self, form: Any) -> Any:
        """What the typed would do; raises OrderError."""
        raise NotImplementedError

    def warnings(self, plan: Any) -> list[str]:
        """What speaks against it and does not forbid it."""
        return []

    def act(self, form: Any, by: User) -> str:
        """Do it and return what was done, in words; raises OrderError."""
        raise NotImplementedError

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if not request.user.has_perm(self.permission):
            raise PermissionDenied
        self.order = self._load()
        obstacle = self.obstacle()
        if obstacle and request.method == "POST":
            # It was possible when the form was shown: somebody was quicker.
            assert request.user.is_authenticated
            obstacle = MovedOn(self.order, reader=request.user)
        if obstacle:
            return self._leave(str(obstacle), messages.ERROR)
        return super().dispatch(request, *args, **kwargs)

    def get(self, request: HttpRequest, order_id: int) -> HttpResponse:
        return self._render(self.template, self.form())

    def post(self, request: HttpRequest, order_id: int) -> HttpResponse:
        assert request.user.is_authenticated
        form = self.form(request.POST)
        is_valid = form.is_valid()
        if form.cleaned_data.get("rev", self.order.rev) != self.order.rev:
            return self._page_again(form, MovedOn(self.order, reader=request.user))
        if not is_valid:
            return self._render(self.template, form, status=422)
        if "back" in request.POST:
            return self._render(self.template, form)
        try:
            plan = self.plan(form)
            if "confirmed" not in request.POST:
                return self._render(self.question, form, plan=plan)
            told = self.act(form, request.user)
        except OrderError as error:
            return self._page_again(form, error)
        return self._leave(told, messages.SUCCESS)

    def _load(self) -> Order:
        items = OrderItem.objects.select_related("product").order_by("order_item_id")
        orders = Order.objects.select_related("customer").prefetch_related(Prefetch("items", items))
        return get_object_or_404(orders, pk=self.kwargs["order_id"])

    def _page_again(self, form: Any, error: OrderError) -> HttpResponse:
        """The page in front of the order as it is by now, with what was typed into the form: what was only shown
        there, and may have been changed by somebody else meanwhile, is shown anew."""
        self.order = self._load()
        if self.obstacle():
            return self._leave(str(error), messages.ERROR)
        typed = {name: self.request.POST.get(name, "") for name in form.changed_data}
        return self._render(self.template, self.form(None, typed), status=409, problem=str(error))

    def _render(
        self, template: str, form: Any, *, status: int = 200, problem: str = "", plan: Any = None
    ) -> HttpResponse:
        title = self.title.format(order=self.order)
        context = {
            **admin.site.each_context(self.request),
            "opts": Order._meta,
            "title": f"Error: {title}" if form.errors or problem else title,
            "order": self.order,
            "form": form,
            "problem": problem,
            "plan": plan,
            "warnings": self.warnings(plan) if plan else [],
        }
        return TemplateResponse(self.request, template, context, status=status)

    def _leave(self, told: str, level: int) -> HttpResponseRedirect:
        messages.add_message(self.request, level, told)
        return HttpResponseRedirect(reverse("admin:orders_order_change", args=[self.order.pk]))


class EditView(Decision):
    permission = "orders.change_order"
    template = "admin/orders/order/edit.html"
    question = "admin/orders/order/edit_confirm.html"
    title = "Change items and address of order {order}"

    def form(self, data: Any = None, initial: Any = None) -> EditForm:
        return EditForm(data, order=self.order, initial=initial)

    def obstacle(self) -> OrderError | None:
        return None if self.order.status == Status.PENDING else edits.NotEditable(self.order)

    def plan(self, form: EditForm) -> edits.Plan:
        plan = edits.plan_edit(self.order, form.wanted())
        if plan.is_empty:
            raise edits.NothingDifferent(self.order)
        if self.order.holds_stock and (short := edits.short_of(plan)):
            raise OutOfStock(short)
        return plan

    def warnings(self, plan: edits.Plan) -> list[str]:
        short = [] if self.order.holds_stock else edits.short_of(plan)
        return [f"{product}: only {product.stock:,} in stock; this order takes none out of it." for product in short]

    def act(self, form: EditForm, by: User) -> str:
        data = form.cleaned_data
        edited = edits.edit_order(
            self.order,
            form.wanted(),
            seen_rev=data["rev"],
            shown_total=data["shown_total"] if data["shown_total"] is not None else Decimal(-1),
            shown=data["shown"].lines if data["shown"] else [],
            reason=data["reason"],
            by=by,
            at=timezone.now(),
        )
        return f"Order {edited} is changed. Its total is {money(edited.total_amount)}."


class ReturnView(Decision):
    permission = "orders.refund_order"
    template = "admin/orders/order/return.html"
    question = "admin/orders/order/return_confirm.html"
    title = "Take back items of order {order}"

    def form(self, data: Any = None, initial: Any = None) -> ReturnForm:
        return ReturnForm(data, order=self.order, initial=initial)

    def obstacle(self) -> OrderError | None:
        return None if self.order.status in returns.RETURNABLE else returns.NotReturnable(self.order)

    def plan(self, form: ReturnForm) -> returns.Plan:
        return returns.plan_return(self.order, form.wanted())

    def act(self, form: ReturnForm, by: User) -> str:
        refund = returns.return_items(
            self.order,
            form.wanted(),
            seen_rev=form.cleaned_data["rev"],
            reason=form.cleaned_data["reason"],
            by=by,
            at=timezone.now(),
        )
        return f"Taken back: {', '.join(refund.told_items)}. {money(refund.amount)} to refund."
