"""An index that another begins with, or that nobody reads, only costs writing."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('households', '0002_security'),
    ]

    operations = [
        migrations.AlterField(
            model_name='household',
            name='code',
            field=models.CharField(max_length=40, verbose_name='户编号'),
        ),
        migrations.AlterField(
            model_name='person',
            name='code',
            field=models.CharField(max_length=40, verbose_name='人编号'),
        ),
        migrations.AlterField(
            model_name='person',
            name='household',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='persons', to='households.household'),
        ),
        migrations.AddConstraint(
            model_name='household',
            constraint=models.UniqueConstraint(fields=('code',), name='a_household_code_is_given_once'),
        ),
        migrations.AddConstraint(
            model_name='person',
            constraint=models.UniqueConstraint(fields=('code',), name='a_person_code_is_given_once'),
        ),
    ]
