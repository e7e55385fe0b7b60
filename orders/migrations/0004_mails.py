"""Mails to be sent about orders: written with the step they tell of, sent by `manage.py send_mails`."""

import django.db.models.deletion
import django.db.models.functions.datetime
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("orders", "0003_carts"),
    ]

    operations = [
        migrations.CreateModel(
            name="Mail",
            fields=[
                ("mail_id", models.BigAutoField(primary_key=True, serialize=False)),
                ("rev", models.IntegerField()),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("pending", "Pending"),
                            ("paid", "Paid"),
                            ("shipped", "Shipped"),
                            ("delivered", "Delivered"),
                            ("returned", "Returned"),
                            ("cancelled", "Cancelled"),
                        ],
                        max_length=20,
                    ),
                ),
                ("language", models.CharField(max_length=10)),
                ("due_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), null=True)),
                ("attempts", models.IntegerField(db_default=0)),
                ("tried_at", models.DateTimeField(null=True)),
                ("sent_at", models.DateTimeField(null=True)),
                ("error", models.TextField(blank=True, db_default="")),
                (
                    "order",
                    models.ForeignKey(
                        db_column="order_id",
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="orders.order",
                    ),
                ),
            ],
            options={
                "db_table": "order_mails",
                "default_permissions": (),
                "indexes": [
                    models.Index(
                        condition=models.Q(("due_at__isnull", False)), fields=["due_at"], name="order_mails_due"
                    )
                ],
                "constraints": [models.UniqueConstraint(fields=("order", "rev"), name="order_mails_once_a_revision")],
            },
        ),
    ]
