from __future__ import annotations

from django.urls import include, path

from history import views

urlpatterns = [
    path("orders/", views.order_list, name="order_list"),
    path("orders/<int:order_id>/", views.order, name="order"),
    path("reports/", include("history.reports.urls")),
]
