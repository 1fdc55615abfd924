"""A village's table can be unlocked as a household can; the table is tracked and protected already."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("campaigns", "0002_security"), ("records", "0001_initial")]
    operations = [
        migrations.AlterField(
            model_name="unlock",
            name="household",
            field=models.ForeignKey(
                null=True, on_delete=django.db.models.deletion.PROTECT, related_name="unlocks", to="households.household"
            ),
        ),
        migrations.AddField(
            model_name="unlock",
            name="record",
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name="unlocks", to="records.record"),
        ),
        migrations.AddConstraint(
            model_name="unlock",
            constraint=models.UniqueConstraint(
                condition=models.Q(("closed_at__isnull", True)), fields=("record",), name="a_table_is_unlocked_once_at_a_time"
            ),
        ),
        migrations.AddConstraint(
            model_name="unlock",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("household__isnull", False), ("record__isnull", True)),
                    models.Q(("household__isnull", True), ("record__isnull", False)),
                    _connector="OR",
                ),
                name="an_unlock_is_of_a_household_or_a_table",
            ),
        ),
    ]
