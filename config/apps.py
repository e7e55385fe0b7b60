from django.contrib.admin.apps import SimpleAdminConfig
from django.db.models.signals import post_migrate, post_save

from config import roles


class ShopAdminConfig(SimpleAdminConfig):
    default_site = "config.admin.ShopAdminSite"

    def ready(self) -> None:
        super().ready()
        # What needs models, or registers itself, now that there are models; the pages come with the site's addresses.
        from config import checks, metrics  # noqa: F401
        from history import triggers
        from orders.models import Order

        post_save.connect(metrics.count_order, sender=Order, dispatch_uid="metrics.orders")
        # Once a migrate, when every permission is there: their apps come before this one in INSTALLED_APPS.
        post_migrate.connect(roles.make_groups, sender=self, dispatch_uid="roles.make_groups")
        post_migrate.connect(triggers.guard_values, sender=self, dispatch_uid="triggers.guard_values")
