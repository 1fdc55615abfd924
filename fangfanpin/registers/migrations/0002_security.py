"""Nobody sees a row outside their reach; a link leads to one thing. Both tables follow the record, whose changes are events."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("registers", "0001_initial"), ("households", "0004_reach_estimated_once")]
    operations = [
        migrations.RunSQL(
            [
                "SELECT ffp_protect('registers_entry', 'village_code', 'household_id')",
                "SELECT ffp_protect('registers_link', 'village_code', 'household_id')",
                "ALTER TABLE registers_link ADD CONSTRAINT a_link_leads_to_one_thing"
                " CHECK (num_nonnulls(to_household_id, to_person_id, to_record_id, to_user_id, to_division_id) = 1)",
            ]
        )
    ]
