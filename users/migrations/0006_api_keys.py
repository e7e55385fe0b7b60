"""Keys of the API, what was answered to them, how often they ask."""

import django.db.models.deletion
import django.db.models.functions.datetime
import django.db.models.functions.text
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("users", "0005_back_office"),
    ]

    operations = [
        migrations.CreateModel(
            name="ApiKey",
            fields=[
                ("key_id", models.BigAutoField(primary_key=True, serialize=False)),
                (
                    "name",
                    models.CharField(
                        help_text="The system that gets it; it stands in each order's history.", max_length=100
                    ),
                ),
                ("prefix", models.CharField(editable=False, max_length=12)),
                ("digest", models.CharField(editable=False, max_length=64)),
                ("scopes", models.CharField(max_length=200)),
                ("requests_per_minute", models.IntegerField(default=600)),
                (
                    "created_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False),
                ),
                ("last_used_at", models.DateTimeField(editable=False, null=True, verbose_name="last used")),
                ("revoked_at", models.DateTimeField(editable=False, null=True, verbose_name="revoked")),
                (
                    "customer",
                    models.ForeignKey(
                        blank=True,
                        db_column="user_id",
                        help_text="If given, the key is for the orders of this customer alone.",
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="api_keys",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "verbose_name": "API key",
                "db_table": "api_keys",
                "permissions": [("revoke_apikey", "Can revoke keys of the API")],
                "default_permissions": ("view", "add"),
            },
        ),
        migrations.CreateModel(
            name="ApiUse",
            fields=[
                (
                    "key",
                    models.OneToOneField(
                        db_column="key_id",
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="+",
                        serialize=False,
                        to="users.apikey",
                    ),
                ),
                ("since", models.DateTimeField()),
                ("requests", models.IntegerField()),
            ],
            options={
                "db_table": "api_uses",
                "default_permissions": (),
            },
        ),
        migrations.CreateModel(
            name="ApiAnswer",
            fields=[
                ("answer_id", models.BigAutoField(primary_key=True, serialize=False)),
                ("idempotency_key", models.CharField(max_length=255)),
                ("request", models.CharField(max_length=64)),
                ("status", models.SmallIntegerField(null=True)),
                ("location", models.TextField(db_default="")),
                ("body", models.BinaryField(null=True)),
                ("answered_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                (
                    "key",
                    models.ForeignKey(
                        db_column="key_id",
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="users.apikey",
                    ),
                ),
            ],
            options={
                "db_table": "api_answers",
                "default_permissions": (),
            },
        ),
        migrations.AddConstraint(
            model_name="apikey",
            constraint=models.UniqueConstraint(
                django.db.models.functions.text.Upper("name"),
                name="api_keys_name_unique",
                violation_error_message="Taken.",
            ),
        ),
        migrations.AddConstraint(
            model_name="apikey",
            constraint=models.UniqueConstraint(fields=("prefix",), name="api_keys_prefix_unique"),
        ),
        migrations.AddConstraint(
            model_name="apikey",
            constraint=models.CheckConstraint(
                condition=models.Q(("requests_per_minute__gt", 0)), name="api_keys_limit_positive"
            ),
        ),
        migrations.AddIndex(
            model_name="apianswer",
            index=models.Index(fields=["answered_at"], name="api_answers_by_age"),
        ),
        migrations.AddConstraint(
            model_name="apianswer",
            constraint=models.UniqueConstraint(fields=("key", "idempotency_key"), name="api_answers_once"),
        ),
        # A count of the minute of now: written with every request, worth nothing after a crash.
        migrations.RunSQL("ALTER TABLE api_uses SET UNLOGGED", migrations.RunSQL.noop),
    ]
