"""Products as CSV in the back office: exported as the list shows them, imported after a look at what would change."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.auth.base_user import AbstractBaseUser
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect, StreamingHttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone

from catalog import product_file, product_import
from catalog.models import Product, ProductSheet
from catalog.product_resource import COLUMNS

LARGEST_MB = 20
TOLD = 200  # lines of a preview, of each kind

if TYPE_CHECKING:
    _ProductAdmin = admin.ModelAdmin[Product]
else:
    _ProductAdmin = admin.ModelAdmin


class SheetForm(forms.Form):
    """A CSV file, as its text."""

    file = forms.FileField(label="CSV file", widget=forms.FileInput(attrs={"accept": ".csv,text/csv"}))

    def clean_file(self) -> tuple[str, str]:
        """Its name and its text."""
        file = self.cleaned_data["file"]
        if file.size > LARGEST_MB * 2**20:
            raise forms.ValidationError(f"The file is larger than {LARGEST_MB} MB. Send it in parts.")
        try:
            text = file.read().decode("utf-8-sig")
        except UnicodeDecodeError as error:
            raise forms.ValidationError("The file is not UTF-8. Save it as “CSV UTF-8”.") from error
        if "\0" in text:
            raise forms.ValidationError("The file is no text: it has NUL characters.")
        return file.name, text


class KeepsSheets(_ProductAdmin):
    """The pages at export/ and import/."""

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view
        return [
            path("export/", view(self.export_view), name="catalog_product_export"),
            path("import/", view(self.import_view), name="catalog_product_import"),
            path("import/<int:sheet_id>/", view(self.take_view), name="catalog_product_import_take"),
            *super().get_urls(),
        ]

    def export_view(self, request: HttpRequest) -> HttpResponseBase:
        """Every product that the list shows under these filters, on all its pages."""
        _require(request, "catalog.export_product")
        try:
            products = self.get_changelist_instance(request).get_queryset(request)
        except IncorrectLookupParameters:
            return HttpResponseRedirect(reverse("admin:catalog_product_changelist"))
        headers = {"Content-Disposition": f'attachment; filename="products-{timezone.localdate()}.csv"'}
        return StreamingHttpResponse(product_file.write(products), content_type="text/csv", headers=headers)

    def import_view(self, request: HttpRequest) -> HttpResponse:
        """Ask for a file, then show what it would change."""
        user = _require(request, "catalog.import_product")
        if request.method != "POST":
            return self._page(request, "import", "Import products", form=SheetForm())
        form = SheetForm(request.POST, request.FILES)
        if form.is_valid():
            name, text = form.cleaned_data["file"]
            try:
                sheet, plan = product_import.look_at(text, name=name, by=user, at=timezone.now())
            except product_file.FileError as error:
                form.add_error("file", str(error))
            else:
                return self._preview(request, sheet, plan)
        return self._page(request, "import", "Error: Import products", status=422, form=form)

    def _preview(self, request: HttpRequest, sheet: ProductSheet, plan: product_file.Plan) -> HttpResponse:
        return self._page(
            request,
            "import_preview",
            f"Import {sheet}: nothing is changed yet",
            sheet=sheet,
            plan=plan,
            added=sum(each.is_new for each in plan.changes),
            told=plan.changes[:TOLD],
            bad=plan.bad[:TOLD],
        )

    def take_view(self, request: HttpRequest, sheet_id: int) -> HttpResponse:
        """Import a sheet that its reader has looked at, and say what became of it."""
        user = _require(request, "catalog.import_product")
        if request.method != "POST":
            return HttpResponseRedirect(reverse("admin:catalog_product_import"))
        sheet = ProductSheet.objects.filter(pk=sheet_id, uploaded_by=user.pk).first()
        if sheet is None:
            self.message_user(request, "That file is not kept any more. Choose it again.", messages.ERROR)
            return HttpResponseRedirect(reverse("admin:catalog_product_import"))
        try:
            outcome = product_import.take(sheet, by=user, at=timezone.now())
        except product_import.AlreadyImported:
            self.message_user(request, f"{sheet} was imported already. Nothing was done again.", messages.WARNING)
        else:
            self._tell(request, sheet, outcome)
        return HttpResponseRedirect(reverse("admin:catalog_product_changelist"))

    def _tell(self, request: HttpRequest, sheet: ProductSheet, outcome: product_import.Outcome) -> None:
        told = f"{sheet}: {outcome.added:,} products added, {outcome.changed:,} changed."
        self.message_user(request, told, messages.SUCCESS)
        for bad in outcome.refused[:10]:
            self.message_user(request, f"Line {bad.line} was left out: {bad.told}", messages.WARNING)
        if len(outcome.refused) > 10:
            self.message_user(request, f"{len(outcome.refused) - 10:,} more lines were left out.", messages.WARNING)

    def _page(self, request: HttpRequest, name: str, title: str, *, status: int = 200, **context: Any) -> HttpResponse:
        frame = {**self.admin_site.each_context(request), "opts": self.opts, "title": title, "columns": COLUMNS}
        return TemplateResponse(request, f"admin/catalog/product/{name}.html", {**frame, **context}, status=status)


def _require(request: HttpRequest, permission: str) -> AbstractBaseUser:
    assert isinstance(request.user, AbstractBaseUser)
    if not request.user.has_perm(permission):
        raise PermissionDenied
    return request.user
