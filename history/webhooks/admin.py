"""Webhooks in the back office: who is told of orders' events, and what became of each delivery."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms
from django.conf import settings
from django.contrib import admin, messages
from django.contrib.auth.decorators import permission_required
from django.db.models import Exists, OuterRef, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import URLPattern, path
from django.utils import timezone
from django.utils.formats import date_format
from django.views.decorators.http import require_POST, require_safe

from core.dates import retained_since
from history.last_change import describe_last_change
from history.webhooks import addresses, deliveries, endpoints, signing
from history.webhooks.models import Delivery, Endpoint, Told

if TYPE_CHECKING:
    _EndpointAdmin = admin.ModelAdmin[Endpoint]
    _DeliveryAdmin = admin.ModelAdmin[Delivery]
    _EndpointForm = forms.ModelForm[Endpoint]
else:
    _EndpointAdmin = _DeliveryAdmin = admin.ModelAdmin
    _EndpointForm = forms.ModelForm

# In the session: whose secret may be looked at, once.
SHOWN_NEXT = "webhook_secret_of"


class EndpointForm(_EndpointForm):
    kinds = forms.MultipleChoiceField(
        label="Tell of",
        choices=Told,
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text="None chosen: all of them.",
    )

    class Meta:
        model = Endpoint
        fields = ["name", "url", "kinds", "is_active"]
        help_texts = {
            "url": "https, and reachable from the internet.",
            "is_active": "Switched on again, it gets everything that has happened meanwhile.",
        }

    def clean_name(self) -> str:
        name = " ".join(str(self.cleaned_data["name"]).split())
        if Endpoint.objects.filter(name__iexact=name).exclude(pk=self.instance.pk).exists():
            raise forms.ValidationError("Another webhook has this name.", code="taken")
        return name

    def clean_url(self) -> str:
        url = str(self.cleaned_data["url"])
        try:
            addresses.refuse_private(addresses.parsed(url).hostname or "")
        except addresses.Refused as error:
            raise forms.ValidationError(str(error)) from error
        return url


class EndpointAdmin(_EndpointAdmin):
    form = EndpointForm
    list_display = ["name", "url", "is_active", "state"]
    list_filter = ["is_active"]
    search_fields = ["name", "url"]
    ordering = ["name", "endpoint_id"]
    readonly_fields = ["state", "signature", "created_at"]
    actions = None

    def get_fields(self, request: HttpRequest, obj: Endpoint | None = None) -> list[Any]:
        return ["name", "url", "kinds", "is_active", *(["state", "signature", "created_at"] if obj else [])]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Endpoint]:
        sent = Delivery.objects.filter(endpoint=OuterRef("pk"), tried_at__isnull=False)
        return super().get_queryset(request).annotate(is_used=Exists(sent))

    @admin.display(description="state")
    def state(self, endpoint: Endpoint) -> str:
        if endpoint.failing_since is None:
            if not endpoint.is_active:
                return "Switched off"
            # What was sent long ago is not kept.
            is_young = endpoint.created_at > retained_since(settings.FEED_DAYS, at=timezone.now())
            return "Nothing sent yet" if is_young and not vars(endpoint)["is_used"] else "In order"
        since = date_format(timezone.localtime(endpoint.failing_since), "j M Y, H:i")
        return f"{'Failing' if endpoint.is_active else 'Switched off, failing'} since {since}"

    @admin.display(description="signature")
    def signature(self, endpoint: Endpoint) -> str:
        if endpoint.has_standard_signature:
            return "Standard Webhooks"
        return "The earlier format, until the next release. Add the webhook again to change over."

    def save_model(self, request: HttpRequest, obj: Endpoint, form: forms.ModelForm[Endpoint], change: bool) -> None:
        if not change:
            endpoints.add(obj)
            return
        endpoints.change(obj, at=timezone.now())
        if obj.is_active and endpoints.has_gap(obj):
            messages.warning(request, "It was off for so long that the first events it missed are no longer kept.")

    def delete_model(self, request: HttpRequest, obj: Endpoint) -> None:
        endpoints.delete(obj)

    def response_add(self, request: HttpRequest, obj: Endpoint, post_url_continue: str | None = None) -> HttpResponse:
        return _to_secret(request, obj)

    def get_deleted_objects(
        self, objs: Any, request: HttpRequest
    ) -> tuple[list[Any], dict[str, int], set[str], list[str]]:
        """Its deliveries go with it, by the thousand and without a permission of their own: they are not listed."""
        return [str(endpoint) for endpoint in objs], {"webhooks": len(objs)}, set(), []

    def get_urls(self) -> list[URLPattern]:
        wrap = self.admin_site.admin_view
        own = [
            path("<int:endpoint_id>/rotate/", wrap(rotate_secret), name="history_endpoint_rotate"),
            path("<int:endpoint_id>/secret/", wrap(show_secret), name="history_endpoint_secret"),
        ]
        return [*own, *super().get_urls()]


@require_POST
@permission_required("history.change_endpoint", raise_exception=True)
def rotate_secret(request: HttpRequest, endpoint_id: int) -> HttpResponse:
    try:
        endpoint = Endpoint.objects.get(pk=endpoint_id)
        endpoints.rotate(endpoint, at=timezone.now(), shown=request.POST.get("shown"))
    except endpoints.RotatedAlready:
        messages.error(request, f"A new secret was made {describe_last_change(endpoint)}. Nothing was changed now.")
        return redirect("admin:history_endpoint_change", endpoint_id)
    except Endpoint.DoesNotExist:
        raise Http404 from None
    return _to_secret(request, endpoint)


@require_safe
@permission_required("history.view_endpoint", raise_exception=True)
def show_secret(request: HttpRequest, endpoint_id: int) -> HttpResponse:
    """Show a secret to whoever just made it; the address alone shows nothing."""
    endpoint = get_object_or_404(Endpoint, pk=endpoint_id)
    if request.session.get(SHOWN_NEXT) != endpoint.pk:
        messages.warning(request, "A secret is shown once, when it is made. You can make a new one.")
        return redirect("admin:history_endpoint_change", endpoint.pk)
    del request.session[SHOWN_NEXT]
    context = {
        **admin.site.each_context(request),
        "title": f"Secret of {endpoint}",
        "endpoint": endpoint,
        "secret": signing.secret(endpoint),
    }
    return render(request, "admin/history/endpoint/secret.html", context)


def _to_secret(request: HttpRequest, endpoint: Endpoint) -> HttpResponse:
    request.session[SHOWN_NEXT] = endpoint.pk
    return redirect("admin:history_endpoint_secret", endpoint.pk)


class StateFilter(admin.SimpleListFilter):
    title = "state"
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: admin.ModelAdmin[Any]) -> list[tuple[str, str]]:
        return [("waiting", "Waiting"), ("given_up", "Given up"), ("delivered", "Delivered")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Delivery]) -> QuerySet[Delivery]:
        match self.value():
            case "waiting":
                return queryset.filter(due_at__isnull=False)
            case "given_up":
                return queryset.filter(due_at__isnull=True, delivered_at__isnull=True)
            case "delivered":
                return queryset.filter(due_at__isnull=True, delivered_at__isnull=False)
        return queryset


class DeliveryAdmin(_DeliveryAdmin):
    """Read-only, but for having one delivered again."""

    list_display = ["event_id", "endpoint", "order_id", "rev", "kind", "state", "attempts", "status_code", "tried_at"]
    list_filter = [StateFilter, "endpoint", "kind"]
    list_select_related = ["endpoint"]
    search_fields = ["order_id"]  # shows the box; get_search_results answers it
    search_help_text = "Order number"
    ordering = ["-delivery_id"]
    list_per_page = 50
    actions = None
    readonly_fields = [
        "endpoint", "event_id", "order_id", "rev", "kind", "state", "body", "created_at", "attempts", "first_tried_at",
        "tried_at", "due_at", "delivered_at", "status_code", "answer", "error",
    ]  # fmt: skip
    fields = (*readonly_fields,)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Delivery | None = None) -> bool:
        return False

    has_delete_permission = has_change_permission

    @admin.display(description="state")
    def state(self, delivery: Delivery) -> str:
        if delivery.due_at is not None:
            return f"Waiting: {delivery.error}" if delivery.error else "Waiting"
        return "Delivered" if delivery.delivered_at else f"Given up: {delivery.error}"

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Delivery], search_term: str
    ) -> tuple[QuerySet[Delivery], bool]:
        number = search_term.strip().removeprefix("#")
        if not number:
            return queryset, False
        is_number = number.isascii() and number.isdigit() and len(number) < 19
        return (queryset.filter(order_id=int(number)) if is_number else queryset.none()), False

    def get_urls(self) -> list[URLPattern]:
        again = path(
            "<int:delivery_id>/redeliver/",
            self.admin_site.admin_view(redeliver),
            name="history_delivery_redeliver",
        )
        return [again, *super().get_urls()]


@require_POST
@permission_required("history.change_endpoint", raise_exception=True)
def redeliver(request: HttpRequest, delivery_id: int) -> HttpResponse:
    delivery = get_object_or_404(Delivery.objects.select_related("endpoint"), pk=delivery_id)
    if request.POST.get("shown", delivery.tried) != delivery.tried:
        messages.error(request, "It was sent again since you opened this page. Nothing was changed now.")
        return redirect("admin:history_delivery_change", delivery.pk)
    deliveries.redeliver(delivery, at=timezone.now())
    if delivery.endpoint.is_active:
        messages.success(request, "It is sent again now.")
    else:
        messages.warning(request, "It is sent again as soon as its webhook is switched on.")
    return redirect("admin:history_delivery_change", delivery.pk)
