"""A row that an act made may be taken back by its undo also where the system has found its computed values again since, as with roll-ups (0004)."""

from importlib import import_module

from django.db import migrations

UNMAKE = import_module("fangfanpin.acts.migrations.0004_security").UNMAKE.replace(
    "(e.act = 'rollup.refresh' AND", "(e.act IN ('rollup.refresh', 'register.recompute') AND"
)


class Migration(migrations.Migration):
    dependencies = [("acts", "0004_security")]
    operations = [migrations.RunSQL(UNMAKE)]
