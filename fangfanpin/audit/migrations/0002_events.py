"""Events, row security and grants are the database's own work; the SQL stands in audit/sql."""

from pathlib import Path

from django.db import migrations

SQL = "".join((Path(__file__).resolve().parent.parent / "sql" / name).read_text(encoding="utf-8") for name in ("changes.sql", "events.sql"))


class Migration(migrations.Migration):
    dependencies = [("audit", "0001_initial")]
    operations = [migrations.RunSQL(SQL)]
