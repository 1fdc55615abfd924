"""References of a first roster are checked at its end; the SQL stands in audit/sql/references.sql."""

from pathlib import Path

from django.db import migrations

SQL = (Path(__file__).resolve().parent.parent / "sql" / "references.sql").read_text(encoding="utf-8")


class Migration(migrations.Migration):
    dependencies = [("audit", "0004_one_index_for_events")]
    operations = [migrations.RunSQL([SQL])]
