import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('quality', '0008_leads_security'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddField(
            model_name='clue',
            name='assigned_to',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='clue',
            name='assigned_name',
            field=models.CharField(blank=True, max_length=60),
        ),
        migrations.AlterField(
            model_name='cluestep',
            name='kind',
            field=models.CharField(choices=[('opened', '发现'), ('corrected', '已更正'), ('confirmed', '核实无误'), ('returned', '退回重核'), ('reviewed', '审核通过'), ('disputed', '认为规则有误'), ('upheld', '县里认定规则没有错'), ('conceded', '县里认定规则有误'), ('sampled', '县里抽查'), ('handed', '交给核实人'), ('taken_back', '交回村里'), ('closed', '复查消除'), ('reopened', '再次出现'), ('still', '复查仍不符')], max_length=10),
        ),
    ]
