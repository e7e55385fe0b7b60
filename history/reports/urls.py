from __future__ import annotations

from django.urls import path

from history.reports import order_page, trust_day, views

app_name = "reports"
urlpatterns = [
    path("", views.home, name="home"),
    path("orders/<int:order_id>/", order_page.order, name="order"),
    path("trust/<day>/", trust_day.day, name="trust-day"),
    path("trust/<day>/repair/", trust_day.repair, name="trust-repair"),
    *(path(f"{name}/", views.report, {"name": name}, name=name) for name in views.REPORTS),
]
