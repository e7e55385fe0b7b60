"""The name of a revoked key is free again."""

import django.db.models.functions.text
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("users", "0007_erasures"),
    ]

    operations = [
        migrations.RemoveConstraint(
            model_name="apikey",
            name="api_keys_name_unique",
        ),
        migrations.AddConstraint(
            model_name="apikey",
            constraint=models.UniqueConstraint(
                django.db.models.functions.text.Upper("name"),
                condition=models.Q(("revoked_at", None)),
                name="api_keys_name_unique",
            ),
        ),
    ]
