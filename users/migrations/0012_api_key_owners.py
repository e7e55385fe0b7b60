"""Who made a key of the API and who took it over: it works while that person is active and may do what it does."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


def owner() -> models.ForeignKey:
    return models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        editable=False,
        db_index=False,
        related_name="+",
        on_delete=django.db.models.deletion.PROTECT,
    )


class Migration(migrations.Migration):
    # squawk: adding-foreign-key-constraint: a shop has a handful of keys, and the columns are new and empty
    dependencies = [("users", "0011_who_vouches")]

    operations = [
        migrations.AddField("apikey", "made_by", owner()),
        migrations.AddField("apikey", "taken_over_by", owner()),
    ]
