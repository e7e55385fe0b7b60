"""Files of products that wait to be imported."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("catalog", "0006_keepers_permissions")]

    operations = [
        migrations.CreateModel(
            name="ProductSheet",
            fields=[
                ("sheet_id", models.BigAutoField(primary_key=True, serialize=False)),
                ("name", models.CharField(max_length=200)),
                ("text", models.TextField()),
                ("moves", models.JSONField(default=dict)),
                ("uploaded_by", models.BigIntegerField()),
                ("uploaded_at", models.DateTimeField()),
                ("imported_at", models.DateTimeField(null=True)),
            ],
            options={"db_table": "product_sheets", "default_permissions": ()},
        ),
    ]
