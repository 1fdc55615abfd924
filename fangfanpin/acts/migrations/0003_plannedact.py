import uuid

import django.contrib.postgres.fields
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('acts', '0002_security'),
        ('jobs', '0001_initial'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='PlannedAct',
            fields=[
                ('id', models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ('kind', models.CharField(choices=[('hand_over', '移交帮扶户'), ('move_natural', '自然村划转'), ('split', '分户'), ('merge', '并户'), ('move_member', '成员转户'), ('merge_person', '合并重复的人'), ('division_merge', '区划合并'), ('division_split', '区划拆分'), ('division_rename', '区划更名'), ('undo', '撤销')], max_length=20)),
                ('title', models.CharField(max_length=200)),
                ('order', models.JSONField()),
                ('on', models.DateField()),
                ('reason', models.CharField(max_length=500)),
                ('village_code', models.CharField(max_length=12)),
                ('household_id', models.UUIDField(editable=False, null=True)),
                ('villages', django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=12), default=list, size=None)),
                ('lines', models.JSONField(default=list)),
                ('says', models.JSONField(default=list)),
                ('at', models.DateTimeField(auto_now_add=True)),
                ('withdrawn_at', models.DateTimeField(blank=True, null=True)),
                ('is_read', models.BooleanField(default=False)),
                ('by', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('job', models.OneToOneField(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='jobs.job')),
                ('withdrawn_by', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'ordering': ('on', 'at'),
            },
        ),
    ]
