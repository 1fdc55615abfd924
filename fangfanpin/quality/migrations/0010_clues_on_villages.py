from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("quality", "0009_clues_handed_over")]
    operations = [
        migrations.AddField(model_name="clue", name="subject_code", field=models.CharField(blank=True, max_length=15)),
        migrations.AlterField(model_name="clue", name="subject_kind", field=models.CharField(max_length=20)),
    ]
