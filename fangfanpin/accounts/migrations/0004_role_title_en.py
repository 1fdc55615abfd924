"""A role's title in English, written with the pack like the Chinese one."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("accounts", "0003_password_events")]

    operations = [migrations.AddField("role", "title_en", models.CharField(blank=True, default="", max_length=120))]
