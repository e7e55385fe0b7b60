from __future__ import annotations

from django.urls import include, path

from history import account_views, order_views, views

urlpatterns = [
    path("orders/", views.order_list, name="order_list"),
    path("orders/<int:order_id>/", views.order, name="order"),
    path("orders/<int:order_id>/cancel/", order_views.cancel, name="order_cancel"),
    path("orders/<int:order_id>/again/", order_views.buy_again, name="order_again"),
    path("orders/<int:order_id>/receipt/", order_views.receipt, name="order_receipt"),
    path("checkout/done/<int:order_id>/", order_views.confirmation, name="order_confirmation"),
    path("account/data/", account_views.data, name="account_data"),
    path("reports/", include("history.reports.urls")),
]
