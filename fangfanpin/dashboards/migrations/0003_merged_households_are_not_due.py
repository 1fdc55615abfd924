"""A household that was merged into another is not to be collected: its year's record is struck and no longer counted."""

from importlib import import_module

from django.db import migrations

COUNTS = import_module("fangfanpin.dashboards.migrations.0002_counts_of_duties").COUNTS
_NOT_STRUCK = "WHERE form = 'household_year' AND year = for_year AND state <> 'void' AND"


class Migration(migrations.Migration):
    dependencies = [("dashboards", "0002_counts_of_duties"), ("records", "0006_void_rows")]
    operations = [
        migrations.RunSQL(
            [
                COUNTS.replace("CREATE FUNCTION", "CREATE OR REPLACE FUNCTION").replace(
                    "WHERE form = 'household_year' AND year = for_year AND", _NOT_STRUCK
                )
            ],
            reverse_sql=[COUNTS.replace("CREATE FUNCTION", "CREATE OR REPLACE FUNCTION")],
        )
    ]
