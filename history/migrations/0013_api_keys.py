from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("history", "0012_refunds_are_changes"),
    ]

    operations = [
        migrations.AlterField(
            model_name="event",
            name="subject",
            field=models.CharField(
                choices=[
                    ("order", "Order"),
                    ("user", "User"),
                    ("product", "Product"),
                    ("category", "Category"),
                    ("role", "Role"),
                    ("session", "Sign-in"),
                    ("api_key", "API key"),
                ],
                db_default="order",
                max_length=20,
            ),
        ),
    ]
