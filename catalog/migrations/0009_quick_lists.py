"""The indexes by which the back office finds products by a part of their name or SKU."""

from django.contrib.postgres.indexes import GinIndex, OpClass
from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations
from django.db.models.functions import Upper


class Migration(migrations.Migration):
    # Built while products go on being sold.
    atomic = False

    dependencies = [("catalog", "0008_sheets_in_background")]

    operations = [
        AddIndexConcurrently(
            "product", GinIndex(OpClass(Upper(column), "gin_trgm_ops"), name=f"products_upper_{column}_trigram")
        )
        for column in ("name", "sku")
    ]
