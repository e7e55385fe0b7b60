from __future__ import annotations

from django.urls import include, path

from history import account_views, views

urlpatterns = [
    path("orders/", views.order_list, name="order_list"),
    path("orders/<int:order_id>/", views.order, name="order"),
    path("account/data/", account_views.data, name="account_data"),
    path("reports/", include("history.reports.urls")),
]
