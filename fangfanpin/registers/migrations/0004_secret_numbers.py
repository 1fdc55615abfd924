"""Secret numbers of rows lie apart from them, and who looked at one is kept."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("registers", "0003_saved_filters"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]
    operations = [
        migrations.CreateModel(
            name="Sealed",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(max_length=80)),
                ("village_code", models.CharField(max_length=12)),
                ("cipher", models.TextField(blank=True)),
                ("digest", models.CharField(blank=True, max_length=40)),
                (
                    "household",
                    models.ForeignKey(
                        db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="households.household"
                    ),
                ),
                ("record", models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="sealed", to="records.record")),
            ],
            options={
                "constraints": [models.UniqueConstraint(fields=("record", "name"), name="a_secret_number_of_a_row_is_kept_once")],
            },
        ),
        migrations.CreateModel(
            name="Shown",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("village_code", models.CharField(max_length=12)),
                ("name", models.CharField(max_length=80)),
                ("reason", models.CharField(max_length=200)),
                ("shown_at", models.DateTimeField(auto_now_add=True)),
                (
                    "household",
                    models.ForeignKey(
                        db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="households.household"
                    ),
                ),
                ("record", models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="shown", to="records.record")),
                (
                    "shown_by",
                    models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL),
                ),
            ],
        ),
        migrations.RunSQL(
            [
                "SELECT ffp_track('registers_sealed')",
                "SELECT ffp_protect('registers_sealed', 'village_code', 'household_id')",
                "SELECT ffp_track('registers_shown')",
                "SELECT ffp_protect('registers_shown', 'village_code', 'household_id')",
            ]
        ),
    ]
