from django.contrib.admin.apps import AdminConfig
from django.db.models.signals import post_migrate

from config import roles


class ShopAdminConfig(AdminConfig):
    default_site = "config.admin.ShopAdminSite"

    def ready(self) -> None:
        super().ready()
        from config import role_admin, session_admin  # noqa: F401 (register themselves, now that there are models)

        # Once a migrate, when every permission is there: their apps come before this one in INSTALLED_APPS.
        post_migrate.connect(roles.make_groups, sender=self, dispatch_uid="roles.make_groups")
