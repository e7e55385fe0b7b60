"""Files of products are looked at and imported by a worker, which tells how far it is."""

from django.db import migrations, models

STATES = [
    ("reading", "Being looked at"),
    ("ready", "To be confirmed"),
    ("importing", "Being imported"),
    ("imported", "Imported"),
    ("cancelled", "Cancelled"),
    ("failed", "Failed"),
]


class Migration(migrations.Migration):
    dependencies = [("catalog", "0007_product_sheets")]

    operations = [
        # The columns keep their names and new ones have defaults, so that the code that runs before this can go on.
        migrations.AlterField("productsheet", "moves", models.JSONField(default=dict, db_column="moves")),
        migrations.RenameField("productsheet", "moves", "seen"),
        migrations.AlterField("productsheet", "imported_at", models.DateTimeField(null=True, db_column="imported_at")),
        migrations.RenameField("productsheet", "imported_at", "ended_at"),
        migrations.AddField("productsheet", "uploader_name", models.CharField(db_default="", max_length=200)),
        # Files that wait from before are not taken: their reader chooses them again.
        migrations.AddField(
            "productsheet", "state", models.CharField(choices=STATES, db_default="cancelled", max_length=20)
        ),
        migrations.AddField("productsheet", "lines", models.IntegerField(db_default=0)),
        migrations.AddField("productsheet", "done", models.IntegerField(db_default=0)),
        migrations.AddField("productsheet", "due_at", models.DateTimeField(null=True)),
        migrations.AddField("productsheet", "attempts", models.IntegerField(db_default=0)),
        migrations.AddField("productsheet", "read_at", models.DateTimeField(null=True)),
        migrations.AddField("productsheet", "found", models.JSONField(default=dict, db_default={})),
        migrations.AddField("productsheet", "result", models.JSONField(default=dict, db_default={})),
        migrations.AddField("productsheet", "error", models.TextField(db_default="")),
    ]
