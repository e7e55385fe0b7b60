from __future__ import annotations

from django.urls import path

from orders import account_views, cart_views, order_views, views

app_name = "orders"
urlpatterns = [
    path("cart/", cart_views.cart, name="cart"),
    path("cart/add/", cart_views.cart_add, name="cart_add"),
    path("cart/update/", cart_views.cart_update, name="cart_update"),
    path("cart/remove/", cart_views.cart_remove, name="cart_remove"),
    path("checkout/", views.checkout, name="checkout"),
    path("checkout/done/<int:order_id>/", views.confirmation, name="confirmation"),
    path("orders/<int:order_id>/cancel/", views.cancel, name="cancel"),
    path("orders/<int:order_id>/again/", order_views.buy_again, name="buy_again"),
    path("orders/<int:order_id>/receipt/", order_views.receipt, name="receipt"),
    path("account/close/", account_views.close, name="close_account"),
]
