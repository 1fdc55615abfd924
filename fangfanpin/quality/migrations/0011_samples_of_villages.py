import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("households", "0004_reach_estimated_once"), ("quality", "0010_clues_on_villages")]
    operations = [
        migrations.AlterField(
            model_name="cluesample",
            name="household",
            field=models.ForeignKey(
                blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="households.household"
            ),
        ),
    ]
