"""Products as CSV in the back office: exported as the list shows them, imported after a look at what would change.

Looking and importing are the work of `manage.py import_products`, and the page of the file tells how far it is; a file
of a few lines is dealt with at once.
"""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
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

from catalog import product_file, product_sheets, product_work
from catalog.models import Product, ProductSheet
from catalog.product_resource import COLUMNS
from catalog.product_sheets import BATCH, SheetError
from core import csv_input

LARGEST_MB = 20
RECENT = 20  # files that the page of imports lists
# A file that no worker has taken for so long makes the page ask whether there is one.
LATE = timedelta(seconds=10)

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
            return file.name, csv_input.decode(file.read())
        except csv_input.CsvError as error:
            raise forms.ValidationError(str(error)) from error


class KeepsSheets(_ProductAdmin):
    """The pages at export/ and import/."""

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view
        return [
            path("export/", view(self.export_view), name="catalog_product_export"),
            path("import/", view(self.import_view), name="catalog_product_import"),
            path("import/<int:sheet_id>/", view(self.sheet_view), name="catalog_product_import_sheet"),
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
        """Ask for a file, and have it looked at."""
        user = _require(request, "catalog.import_product")
        form = SheetForm(request.POST, request.FILES) if request.method == "POST" else SheetForm()
        if form.is_valid():
            name, text = form.cleaned_data["file"]
            try:
                sheet = product_sheets.upload(text, name=name, by=user, at=timezone.now())
            except csv_input.CsvError as error:
                form.add_error("file", str(error))
            else:
                return self._go_on(sheet)
        prefix, status = ("Error: ", 422) if form.errors else ("", 200)
        recent = ProductSheet.objects.newest_first()[:RECENT]
        return self._page(request, "import", f"{prefix}Import products", status=status, form=form, recent=recent)

    def sheet_view(self, request: HttpRequest, sheet_id: int) -> HttpResponse:
        """Tell how far a file is, what it would change, what it has changed; who uploaded it confirms or cancels it."""
        user = _require(request, "catalog.import_product")
        sheet = ProductSheet.objects.defer("text", "seen").filter(pk=sheet_id).first()
        if sheet is None:
            self.message_user(request, "That file is not kept any more. Choose it again.", messages.ERROR)
            return HttpResponseRedirect(reverse("admin:catalog_product_import"))
        is_own = sheet.uploaded_by == user.pk
        if request.method == "POST":
            return self._decide(request, sheet) if is_own else self._refuse_other(request, sheet)
        found = sheet.found
        context = {
            "sheet": sheet,
            "is_own": is_own,
            "is_late": sheet.is_worked_on and sheet.due_at is not None and sheet.due_at < timezone.now() - LATE,
            "told": [{**each, "price": each["price"] and Decimal(each["price"])} for each in found.get("told", [])],
            "total": found.get("added", 0) + found.get("changed", 0),
            "other_stock": product_sheets.OTHER_STOCK,
        }
        return self._page(request, "import_sheet", f"Import {sheet}", **context)

    def _decide(self, request: HttpRequest, sheet: ProductSheet) -> HttpResponse:
        try:
            if "cancel" in request.POST:
                product_sheets.cancel(sheet, at=timezone.now())
            else:
                product_sheets.confirm(sheet, at=timezone.now(), stock=request.POST.get("stock", ""))
        except SheetError as error:
            self.message_user(request, str(error), messages.WARNING)
        return self._go_on(sheet)

    def _refuse_other(self, request: HttpRequest, sheet: ProductSheet) -> HttpResponse:
        self.message_user(request, f"Only {sheet.uploader_name} decides on {sheet}.", messages.ERROR)
        return HttpResponseRedirect(reverse("admin:catalog_product_import_sheet", args=[sheet.pk]))

    def _go_on(self, sheet: ProductSheet) -> HttpResponse:
        """Work on a short file here and now, where no worker does, and show it."""
        if sheet.lines <= BATCH:
            product_work.work(at=timezone.now(), sheet_id=sheet.pk)
        return HttpResponseRedirect(reverse("admin:catalog_product_import_sheet", args=[sheet.pk]))

    def _page(self, request: HttpRequest, name: str, title: str, *, status: int = 200, **context: Any) -> HttpResponse:
        frame = {**self.admin_site.each_context(request), "opts": self.opts, "title": title, "columns": COLUMNS}
        return TemplateResponse(request, f"admin/catalog/product/{name}.html", {**frame, **context}, status=status)


def _require(request: HttpRequest, permission: str) -> AbstractBaseUser:
    assert isinstance(request.user, AbstractBaseUser)
    if not request.user.has_perm(permission):
        raise PermissionDenied
    return request.user
