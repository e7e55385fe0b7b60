from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("history", "0025_constraint_messages"),
    ]

    operations = [
        migrations.AddField(
            model_name="endpoint",
            name="has_standard_signature",
            field=models.BooleanField(db_default=False, editable=False),
        ),
    ]
