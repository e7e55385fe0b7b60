"""What may be allowed apart from changing products."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("catalog", "0005_stock_ledger")]

    operations = [
        migrations.AlterModelOptions(
            name="product",
            options={
                "permissions": [
                    ("move_stock", "Can correct and restock products"),
                    ("import_product", "Can import products, their stock too"),
                    ("export_product", "Can export products"),
                ]
            },
        ),
    ]
