"""The smallest valid thing of each kind."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import factory
from allauth.account.models import EmailAddress
from django.db.models import signals
from factory.django import DjangoModelFactory

from catalog.models import Category, Product
from users.models import User

PASSWORD = "correct-horse-battery"

# What a test finds there is no activity: nobody did it.
silently = factory.django.mute_signals(signals.pre_save, signals.post_save)


@silently
class UserFactory(DjangoModelFactory[User]):
    class Meta:
        model = User
        skip_postgeneration_save = True

    name = factory.Sequence(lambda n: f"Customer {n}")
    email = factory.Sequence(lambda n: f"customer{n}@shop.example")
    password = factory.django.Password(PASSWORD)

    @factory.post_generation
    def is_verified(self: User, create: bool, extracted: bool | None, **kwargs: Any) -> None:
        """Whether the address was proved by its code, without which nobody is let in."""
        if create and extracted is not False:
            EmailAddress.objects.create(user=self, email=self.email.lower(), verified=True, primary=True)


class StaffFactory(UserFactory):
    is_staff = True
    is_superuser = True


@silently
class CategoryFactory(DjangoModelFactory[Category]):
    class Meta:
        model = Category

    name = factory.Sequence(lambda n: f"Category {n}")
    slug = factory.Sequence(lambda n: f"category-{n}")


@silently
class ProductFactory(DjangoModelFactory[Product]):
    class Meta:
        model = Product

    name = factory.Sequence(lambda n: f"Product {n}")
    sku = factory.Sequence(lambda n: f"SKU-{n}")
    price = Decimal("10.00")
    stock = 100
