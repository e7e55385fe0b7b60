from __future__ import annotations

from django.urls import path

from history.reports import views

app_name = "reports"
urlpatterns = [
    path("", views.home, name="home"),
    path("sales/", views.sales, name="sales"),
    path("products/", views.products, name="products"),
    path("customers/", views.customers, name="customers"),
    path("status/", views.status, name="status"),
]
