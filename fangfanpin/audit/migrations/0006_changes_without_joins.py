"""What a change changed is found without joins."""

from pathlib import Path

from django.db import migrations

SQL = (Path(__file__).resolve().parent.parent / "sql" / "changes.sql").read_text(encoding="utf-8")


class Migration(migrations.Migration):
    dependencies = [("audit", "0005_held_references")]
    operations = [migrations.RunSQL(SQL, migrations.RunSQL.noop)]
