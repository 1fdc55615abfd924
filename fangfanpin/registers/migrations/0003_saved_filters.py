"""Filters of a register's list that people keep for themselves, and whose task a returned row is."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("registers", "0002_security"), migrations.swappable_dependency(settings.AUTH_USER_MODEL)]
    operations = [
        migrations.CreateModel(
            name="SavedFilter",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("form", models.CharField(max_length=40)),
                ("name", models.CharField(max_length=30)),
                ("query", models.CharField(max_length=1000)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                (
                    "owner",
                    models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name="+", to=settings.AUTH_USER_MODEL),
                ),
            ],
            options={
                "ordering": ("created_at",),
                "constraints": [models.UniqueConstraint(fields=("owner", "form", "name"), name="a_kept_filter_has_a_name_of_its_own")],
            },
        ),
        migrations.AddField(
            model_name="entry",
            name="entered_by",
            field=models.ForeignKey(
                db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
            ),
        ),
        migrations.RunSQL("UPDATE registers_entry e SET entered_by_id = r.entered_by_id FROM records_record r WHERE r.id = e.record_id"),
        # What the update left to be checked at the end is checked now: an index is not built over it.
        migrations.RunSQL("SET CONSTRAINTS ALL IMMEDIATE"),
        migrations.AddIndex(
            model_name="entry",
            index=models.Index(condition=models.Q(("state", "returned")), fields=["entered_by", "form", "number"], name="entry_sent_back"),
        ),
    ]
