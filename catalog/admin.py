"""Products and categories in the back office. What is in use is retired, not deleted."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.contrib import admin, messages
from django.contrib.auth.base_user import AbstractBaseUser
from django.core.exceptions import PermissionDenied
from django.db import models, transaction
from django.forms import ModelForm
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.safestring import SafeString

from catalog import images, stock
from catalog.admin_forms import ProductForm
from catalog.admin_sheets import KeepsSheets
from catalog.admin_stock import MovesStock
from catalog.models import Category, Product, Reason
from catalog.search import named, words_of

if TYPE_CHECKING:
    _ModelAdmin = admin.ModelAdmin[Any]
    _CategoryAdmin = admin.ModelAdmin[Category]
else:
    _ModelAdmin = _CategoryAdmin = admin.ModelAdmin


class DeletedOnlyUnused(_ModelAdmin):
    """Refuses to delete what something else still needs, in one sentence; the stock page would list all of it."""

    in_use = ""  # what to do instead

    def delete_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        wanted = self.get_object(request, object_id)
        if wanted is not None and not self.has_delete_permission(request, wanted):
            raise PermissionDenied  # before anything is told of it
        if wanted is not None and _is_in_use(wanted):
            return self._refuse(request, wanted)
        try:
            return super().delete_view(request, object_id, extra_context)
        except models.ProtectedError:
            # Somebody began to use it since we looked.
            assert wanted is not None
            return self._refuse(request, wanted)

    def _refuse(self, request: HttpRequest, wanted: models.Model) -> HttpResponse:
        self.message_user(request, f"{wanted} was not deleted: {self.in_use}", messages.ERROR)
        opts = self.opts
        return HttpResponseRedirect(reverse(f"admin:{opts.app_label}_{opts.model_name}_change", args=[wanted.pk]))

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        actions = super().get_actions(request)
        actions.pop("delete_selected", None)
        return actions


def _is_in_use(wanted: models.Model) -> bool:
    """Return whether anything that forbids its deletion refers to it; the catalogue need not know what."""
    return any(
        relation.related_model._base_manager.filter(**{relation.field.name: wanted}).exists()
        for relation in wanted._meta.get_fields(include_hidden=True)
        if isinstance(relation, models.ManyToOneRel) and relation.on_delete is models.PROTECT
    )


class StockFilter(admin.SimpleListFilter):
    title = "stock"
    parameter_name = "in_stock"

    def lookups(self, request: HttpRequest, model_admin: admin.ModelAdmin[Any]) -> list[tuple[str, str]]:
        return [("yes", "In stock"), ("low", f"Low stock ({settings.LOW_STOCK} or fewer)"), ("none", "Sold out")]

    def queryset(self, request: HttpRequest, queryset: models.QuerySet[Product]) -> models.QuerySet[Product]:
        match self.value():
            case "yes":
                return queryset.filter(stock__gt=0)
            case "low":
                return queryset & Product.objects.low_stock()
            case "none":
                return queryset.filter(stock=0)
        return queryset


class ProductAdmin(MovesStock, KeepsSheets, DeletedOnlyUnused):
    """history/admin.py registers it, because the page shows what orders hold and what the product has cost."""

    form = ProductForm
    in_use = "it has been ordered, and orders keep what was sold. Retire it instead (clear “active”)."
    list_display = ["thumb", "name", "sku", "category", "price_now", "stock", "is_active"]
    list_display_links = ["name"]
    list_filter = ["category", "is_active", StockFilter]
    list_select_related = ["category"]
    search_fields = ["name", "sku"]
    ordering = ["-created_at", "-product_id"]
    list_per_page = 50
    show_full_result_count = False
    actions = ["retire", "activate"]
    state_fields = ("name", "sku", "category", "price", "is_active")  # its stock moves with every sale
    fieldsets = [
        (None, {"fields": ["name", "sku", "category", "is_active"]}),
        ("For sale", {"fields": ["price", "stock"]}),
        ("Shown in the shop", {"fields": ["description", "attributes"]}),
        ("Dates", {"fields": ["created_at"]}),
    ]
    readonly_fields = ["created_at", "picture_now"]

    def get_fieldsets(self, request: HttpRequest, obj: Product | None = None) -> Any:
        fieldsets = list(super().get_fieldsets(request, obj))
        picture = ["picture_now"] if obj else ["picture"]
        if obj and self.has_change_permission(request, obj):
            picture += ["picture", *(["remove_picture"] if obj.image else [])]
        return [*fieldsets, ("Picture", {"fields": picture})]

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        # Whoever adds a product means to sell it; the field's default is the database's, of which a form does not know.
        return {"is_active": True, **super().get_changeform_initial_data(request)}

    def get_readonly_fields(self, request: HttpRequest, obj: Product | None = None) -> Any:
        """What a new product opens with is typed; later its stock moves for a reason, see MovesStock."""
        return [*super().get_readonly_fields(request, obj), *(["stock"] if obj else [])]

    def get_search_results(
        self, request: HttpRequest, queryset: models.QuerySet[Product], search_term: str
    ) -> tuple[models.QuerySet[Product], bool]:
        """Any part of name or SKU, and their words in any spelling, as the shop finds them."""
        found, may_have_duplicates = super().get_search_results(request, queryset, search_term)
        words = words_of(search_term) if search_term else []
        return (found | named(queryset, words) if words else found), may_have_duplicates

    @admin.display(description="picture")
    def thumb(self, product: Product) -> SafeString:
        return render_to_string("admin/_picture.html", {"product": product, "side": 40})

    @admin.display(description="picture now")
    def picture_now(self, product: Product) -> SafeString:
        return render_to_string("admin/_picture.html", {"product": product, "side": 200})

    @admin.display(description="price", ordering="price")
    def price_now(self, product: Product) -> SafeString:
        return render_to_string("admin/_money.html", {"amount": product.price})

    @admin.action(description="Retire selected products", permissions=["change"])
    def retire(self, request: HttpRequest, queryset: models.QuerySet[Product]) -> None:
        self._say(request, _switch(queryset, is_active=False), "retired")

    @admin.action(description="Activate selected products", permissions=["change"])
    def activate(self, request: HttpRequest, queryset: models.QuerySet[Product]) -> None:
        self._say(request, _switch(queryset, is_active=True), "activated")

    def _say(self, request: HttpRequest, count: int, done: str) -> None:
        level = messages.SUCCESS if count else messages.WARNING
        self.message_user(request, f"{count} product{'' if count == 1 else 's'} {done}.", level)

    def _warn_of_similar(self, request: HttpRequest, product: Product) -> None:
        similar = [f"{other.sku} ({other})" for other in Product.objects.with_similar_sku(product.sku)[:5]]
        if similar:
            told = f"SKU {product.sku} looks like another one: {', '.join(similar)}."
            self.message_user(request, told, messages.WARNING)

    def save_model(self, request: HttpRequest, obj: Product, form: ModelForm[Any], change: bool) -> None:
        changed = {*form.changed_data, *self._change_picture(request, obj, form)}
        if "sku" in changed:
            self._warn_of_similar(request, obj)
        if not change:
            assert isinstance(request.user, AbstractBaseUser)
            stock.tell(reason=Reason.OPENING, by=request.user)
            return super().save_model(request, obj, form, change)
        # Only what was typed: the rest of the row, its stock above all, may have moved while the page was open.
        columns = {field.name for field in obj._meta.concrete_fields}
        return obj.save(update_fields=columns.intersection(changed))

    def _change_picture(self, request: HttpRequest, product: Product, form: ModelForm[Any]) -> list[str]:
        """Take the picture that was sent, or take the old one away; return the columns that this changed."""
        picture = form.cleaned_data.get("picture")
        if not picture and not form.cleaned_data.get("remove_picture"):
            return []
        try:
            images.replace(product, picture)
        except OSError as error:
            told = f"The picture could not be stored ({error.strerror or error}). Everything else was saved."
            self.message_user(request, told, messages.ERROR)
            return []
        return ["image"]

    def delete_model(self, request: HttpRequest, obj: Product) -> None:
        assert isinstance(request.user, AbstractBaseUser)
        stock.tell(reason=Reason.DELETED, by=request.user)
        super().delete_model(request, obj)
        if obj.image:
            transaction.on_commit(partial(images.remove, obj.image))


@transaction.atomic
def _switch(products: models.QuerySet[Product], *, is_active: bool) -> int:
    """Retire or activate each, and return how many were not so yet; saved one by one, so that each is told of."""
    switched = products.filter(is_active=not is_active).order_by("pk").select_for_update(no_key=True, of=["self"])
    for product in switched:
        product.is_active = is_active
        product.save(update_fields=["is_active"])
    return len(switched)


@admin.register(Category)
class CategoryAdmin(DeletedOnlyUnused, _CategoryAdmin):
    in_use = "products are in it. Move them to another category first."
    list_display = ["name", "slug"]
    search_fields = ["name", "slug"]
    prepopulated_fields = {"slug": ["name"]}
