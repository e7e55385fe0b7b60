"""Requests to erase people and the certificates of it, and the permission to make them."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("users", "0006_api_keys")]

    operations = [
        migrations.AlterModelOptions(
            name="user",
            options={
                "permissions": [
                    ("assign_roles", "Can look after staff and give roles up to their own"),
                    (
                        "erase_user",
                        "Can ask for a person's data to be erased, and confirm what somebody else asked for",
                    ),
                ]
            },
        ),
        migrations.CreateModel(
            name="Erasure",
            fields=[
                ("erasure_id", models.BigAutoField(primary_key=True, serialize=False)),
                ("user_id", models.BigIntegerField()),
                ("asked_by", models.BigIntegerField(null=True)),
                ("asked_by_name", models.CharField(max_length=200, verbose_name="asked by")),
                ("asked_at", models.DateTimeField()),
                ("confirmed_by", models.BigIntegerField(null=True)),
                ("confirmed_by_name", models.CharField(db_default="", max_length=200, verbose_name="confirmed by")),
                ("confirmed_at", models.DateTimeField(null=True)),
                ("withdrawn_at", models.DateTimeField(null=True)),
                ("finished_at", models.DateTimeField(null=True)),
                ("found", models.JSONField(db_default={}, default=dict)),
                ("counts", models.JSONField(db_default={}, default=dict)),
                ("sha256", models.CharField(db_default="", max_length=64, verbose_name="SHA-256")),
            ],
            options={"db_table": "erasures", "default_permissions": ("view",)},
        ),
        migrations.AddConstraint(
            model_name="erasure",
            constraint=models.CheckConstraint(
                condition=models.Q(("confirmed_by", models.F("asked_by")), _negated=True),
                name="erasures_confirmed_by_another",
            ),
        ),
        migrations.AddConstraint(
            model_name="erasure",
            constraint=models.UniqueConstraint(
                condition=models.Q(("finished_at__isnull", True), ("withdrawn_at__isnull", True)),
                fields=("user_id",),
                name="erasures_one_at_a_time",
            ),
        ),
    ]
