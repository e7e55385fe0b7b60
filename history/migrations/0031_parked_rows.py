"""The list of rows that are left out of a kind of work because it cannot be done for them."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("history", "0030_guard_tables"),
    ]

    operations = [
        migrations.CreateModel(
            name="ParkedRow",
            fields=[
                ("parked_row_id", models.BigAutoField(primary_key=True, serialize=False)),
                ("purpose", models.CharField(max_length=40)),
                ("table_name", models.CharField(max_length=63)),
                ("row_key", models.BigIntegerField()),
                ("reason", models.TextField()),
                ("failed_at", models.DateTimeField()),
                ("checked_at", models.DateTimeField()),
            ],
            options={
                "db_table": "parked_rows",
                "default_permissions": (),
                "indexes": [models.Index(fields=["checked_at"], name="parked_rows_checked")],
                "constraints": [
                    models.UniqueConstraint(fields=("purpose", "table_name", "row_key"), name="parked_rows_once")
                ],
            },
        ),
        migrations.RunSQL("SELECT refuse_impossible_values('parked_rows')", migrations.RunSQL.noop),
    ]
