"""A product's stock in the back office: two forms that move it, and its ledger."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import admin, messages
from django.contrib.auth.base_user import AbstractBaseUser
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone

from catalog import stock_desk
from catalog.models import Product, StockMovement
from core.number_fields import WholeNumberField
from core.pagination import page_of

PAGE_SIZE = 50

if TYPE_CHECKING:
    _ProductAdmin = admin.ModelAdmin[Product]
else:
    _ProductAdmin = admin.ModelAdmin


@dataclass(frozen=True)
class Step:
    verb: str
    label: str
    help: str
    least: int
    take: Callable[..., int]


STEPS = {
    "correct": Step(
        "Correct stock",
        "Counted",
        "How many are left to sell: without those set aside for orders that are not shipped yet.",
        0,
        stock_desk.correct,
    ),
    "restock": Step("Restock", "Delivered", "How many came in; they are added to the stock.", 1, stock_desk.restock),
}


class StepForm(forms.Form):
    """How many, and why, as decided in front of a page that showed movement `seen` as the newest; 0: none."""

    number = WholeNumberField(max_value=stock_desk.LARGEST)
    note = forms.CharField(
        label="Reason",
        max_length=500,
        help_text="Kept in the ledger, for whoever asks later: “broken in the shelf”, “delivery note 4711”.",
        widget=forms.TextInput(attrs={"class": "vTextField"}),
    )
    seen = WholeNumberField(min_value=0, max_value=2**63 - 1, widget=forms.HiddenInput)

    def __init__(self, step: Step, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["number"] = WholeNumberField(
            label=step.label, help_text=step.help, min_value=step.least, max_value=stock_desk.LARGEST
        )


class MovesStock(_ProductAdmin):
    """The forms at <product>/correct/ and <product>/restock/, and the ledger on the product's page."""

    def get_urls(self) -> list[URLPattern]:
        pages = [
            path(
                f"<int:product_id>/{name}/",
                self.admin_site.admin_view(self.stock_view),
                {"name": name},
                name=f"catalog_product_{name}",
            )
            for name in STEPS
        ]
        return [*pages, *super().get_urls()]

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        context = dict(extra_context or {})
        product = self.get_object(request, object_id)
        if product is not None:
            movements = StockMovement.objects.of_product(product).newest_first()
            context["ledger"], context["ledger_notes"] = page_of(movements, request.GET.get("ledger"), PAGE_SIZE)
        return super().change_view(request, object_id, form_url, context)

    def stock_view(self, request: HttpRequest, product_id: int, name: str) -> HttpResponse:
        """Ask how many and why, and move the stock; what was sold since the page was opened still counts."""
        assert isinstance(request.user, AbstractBaseUser)
        if not self._may_move_stock(request):
            raise PermissionDenied
        product, step = get_object_or_404(Product, pk=product_id), STEPS[name]
        form = StepForm(step, request.POST or None)
        if request.method == "POST" and form.is_valid():
            sent = {"to": form.cleaned_data["number"], "seen": form.cleaned_data["seen"]}
            try:
                left = step.take(product, **sent, by=request.user, at=timezone.now(), note=form.cleaned_data["note"])
            except stock_desk.StockError as error:
                form.add_error(None, str(error))
            else:
                self.message_user(request, f"{product}: {left:,} are left to sell now.", messages.SUCCESS)
                return HttpResponseRedirect(reverse("admin:catalog_product_change", args=[product.pk]))
        return self._ask(request, product, step, form)

    def _ask(self, request: HttpRequest, product: Product, step: Step, form: StepForm) -> HttpResponse:
        newest = StockMovement.objects.of_product(product).newest_first().first()
        title = f"{step.verb}: {product}"
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": f"Error: {title}" if form.errors else title,
            "product": product,
            "step": step,
            "form": form,
            # One row tells both: this page may not show a stock that its movement does not know.
            "stock": newest.stock_after if newest else 0,
            "seen": newest.pk if newest else 0,
        }
        status = 422 if request.method == "POST" else 200
        return TemplateResponse(request, "admin/catalog/product/stock.html", context, status=status)

    def _may_move_stock(self, request: HttpRequest) -> bool:
        assert isinstance(request.user, AbstractBaseUser)
        return request.user.has_perm("catalog.move_stock")
