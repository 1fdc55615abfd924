"""The registry: households, persons, memberships, monitoring spells, pairings, locations.

Column names are the dictionary's item names. Every personal row carries its current village code and household id: reach and
row security read nothing else. A person is never deleted.
"""

import uuid

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils.translation import gettext_lazy as _

from fangfanpin.accounts.reach import ReachQuerySet

CODE = 8  # length of a code of a code list


class HouseholdQuerySet(ReachQuerySet["Household"]):
    household_field = "id"


class Household(models.Model):
    class Kind(models.TextChoices):
        ASSISTED = "assisted", _("脱贫户、监测对象")
        ORDINARY = "ordinary", _("一般农户")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    code = models.CharField("户编号", max_length=40)
    kind = models.CharField(max_length=10, choices=Kind.choices, default=Kind.ASSISTED)
    village_code = models.CharField(max_length=12)
    natural_village_code = models.CharField(max_length=15, blank=True)
    walking_order = models.PositiveIntegerField(default=0)
    address = models.CharField(max_length=255, blank=True)
    head_name = models.CharField(max_length=60, blank=True)  # of the live member with relation 01, kept by households.services
    head_name_key = models.CharField(max_length=80, blank=True)  # pinyin, for sorting and first letters
    head_initials = models.CharField(max_length=20, blank=True)
    member_count = models.PositiveSmallIntegerField(default=0)
    household_type = models.CharField(max_length=CODE, blank=True)
    household_state = models.CharField(max_length=CODE, blank=True)
    monitoring_type = models.CharField(max_length=CODE, blank=True)  # of the latest spell; '' = never monitored
    monitoring_state = models.CharField(max_length=CODE, blank=True)
    bank_name = models.CharField(max_length=80, blank=True)
    bank_holder = models.CharField(max_length=60, blank=True)
    bank_card_secret = models.TextField(null=True, blank=True)
    bank_card_mask = models.CharField(max_length=40, blank=True)
    bank_luhn_ok = models.BooleanField(null=True)
    first_identified_at = models.CharField(max_length=7, blank=True)  # YYYY or YYYY-MM
    poverty_exit_year = models.PositiveSmallIntegerField(null=True, blank=True)
    main_poverty_cause = models.CharField(max_length=CODE, blank=True)
    other_poverty_causes = ArrayField(models.CharField(max_length=CODE), default=list, blank=True)
    relapse_cause = models.CharField(max_length=CODE, blank=True)
    # Became part of another household: kept with its past, no longer counted.
    merged_into = models.ForeignKey("self", null=True, blank=True, on_delete=models.PROTECT, related_name="merged_from", db_index=False)
    version = models.PositiveIntegerField(default=1)
    import_batch_id = models.UUIDField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    objects = HouseholdQuerySet.as_manager()

    class Meta:
        ordering = ("village_code", "natural_village_code", "walking_order", "code")
        indexes = [
            models.Index(fields=["village_code", "natural_village_code", "walking_order", "code"], name="household_walking_order"),
            models.Index(fields=["kind", "village_code", "head_name_key", "id"], name="household_by_name"),
            models.Index(fields=["head_name", "village_code"], name="household_head_name"),
        ]
        constraints = [
            # Not unique=True on the field: that adds a second index, for LIKE, which nobody asks for.
            models.UniqueConstraint(fields=["code"], name="a_household_code_is_given_once"),
            models.CheckConstraint(name="a_households_village_has_twelve_digits", condition=models.Q(village_code__regex=r"^[0-9]{12}$")),
        ]

    def __str__(self) -> str:
        return self.code


class Person(models.Model):
    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    code = models.CharField("人编号", max_length=40)
    # The household of the latest membership: row security needs it on the row. Its index is person_of_household.
    household = models.ForeignKey(Household, on_delete=models.PROTECT, related_name="persons", db_index=False)
    village_code = models.CharField(max_length=12)
    member_name = models.CharField("姓名", max_length=60, blank=True)
    name_key = models.CharField(max_length=80, blank=True)
    sex = models.CharField(max_length=CODE, blank=True)
    birth_date = models.DateField(null=True, blank=True)
    id_type = models.CharField(max_length=CODE, blank=True)
    id_number_secret = models.TextField(null=True, blank=True)
    id_number_digest = models.CharField(max_length=40, blank=True)
    id_number_mask = models.CharField(max_length=24, blank=True)
    disability_card_secret = models.TextField(null=True, blank=True)
    disability_card_mask = models.CharField(max_length=24, blank=True)
    disability_category = models.CharField(max_length=CODE, blank=True)
    disability_grade = models.CharField(max_length=CODE, blank=True)
    ethnicity = models.CharField(max_length=CODE, blank=True)
    is_relocated_person = models.BooleanField(null=True)
    identified_at = models.CharField(max_length=7, blank=True)
    # Derived facts, written with the numbers (privacy.facts)
    id_form = models.CharField(max_length=8, null=True, blank=True)
    id_check_ok = models.BooleanField(null=True)
    id_birth = models.DateField(null=True, blank=True)
    id_sex = models.CharField(max_length=1, null=True, blank=True)
    id_region_known = models.BooleanField(null=True)
    id_placeholder = models.BooleanField(null=True)
    id18_digest = models.CharField(max_length=40, blank=True)
    card_check_ok = models.BooleanField(null=True)
    card_category = models.CharField(max_length=1, null=True, blank=True)
    card_grade = models.CharField(max_length=1, null=True, blank=True)
    card_reissue_ok = models.BooleanField(null=True)
    card_matches_id = models.BooleanField(null=True)
    # The membership in force (or the last one)
    relation_to_head = models.CharField(max_length=CODE, blank=True)
    member_state = models.CharField(max_length=CODE, blank=True)
    change_kind = models.CharField(max_length=CODE, blank=True)
    change_reason = models.CharField(max_length=CODE, blank=True)
    change_date = models.DateField(null=True, blank=True)
    position = models.PositiveSmallIntegerField(default=0)  # order in the household, head first
    # Entered twice: this row is the same person as that one and belongs to no household's members any more.
    merged_into = models.ForeignKey("self", null=True, blank=True, on_delete=models.PROTECT, related_name="merged_from", db_index=False)
    version = models.PositiveIntegerField(default=1)
    import_batch_id = models.UUIDField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    objects = ReachQuerySet.as_manager()

    class Meta:
        ordering = ("household_id", "position", "code")
        indexes = [
            models.Index(fields=["household", "position"], name="person_of_household"),
            models.Index(fields=["id_number_digest"], name="person_by_id_number"),
            models.Index(fields=["id18_digest"], name="person_by_first_18"),
            models.Index(fields=["member_name"], name="person_by_name"),
            models.Index(fields=["village_code", "name_key"], name="person_of_village"),
        ]
        constraints = [
            models.UniqueConstraint(fields=["code"], name="a_person_code_is_given_once"),
        ]

    def __str__(self) -> str:
        return self.code


class Membership(models.Model):
    """A person in a household from … to …; the history behind Person's membership columns."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    person = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="memberships")
    household = models.ForeignKey(Household, on_delete=models.PROTECT, related_name="memberships")
    village_code = models.CharField(max_length=12)
    relation_to_head = models.CharField(max_length=CODE, blank=True)
    valid_from = models.DateField(null=True, blank=True)
    valid_to = models.DateField(null=True, blank=True)
    arrive_reason = models.CharField(max_length=CODE, blank=True)
    leave_reason = models.CharField(max_length=CODE, blank=True)
    import_batch_id = models.UUIDField(null=True, blank=True)

    objects = ReachQuerySet.as_manager()

    class Meta:
        ordering = ("valid_from", "id")
        constraints = [
            models.UniqueConstraint(fields=["person"], condition=models.Q(valid_to__isnull=True), name="a_person_lives_in_one_household_at_a_time"),
        ]

    def __str__(self) -> str:
        return str(self.id)


class MonitoringSpell(models.Model):
    """One stay in monitoring. `values` holds the items of monitoring_spell (but those with columns), spell_identification and
    spell_elimination; case steps fill it later."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    household = models.ForeignKey(Household, on_delete=models.PROTECT, related_name="spells")
    village_code = models.CharField(max_length=12)
    spell_no = models.PositiveSmallIntegerField(default=1)
    identified_month = models.CharField(max_length=7, blank=True)
    eliminated_month = models.CharField(max_length=7, blank=True)
    monitoring_type = models.CharField(max_length=CODE, blank=True)
    spell_state = models.CharField(max_length=CODE, blank=True)
    values = models.JSONField(default=dict)
    version = models.PositiveIntegerField(default=1)
    import_batch_id = models.UUIDField(null=True, blank=True)

    objects = ReachQuerySet.as_manager()

    class Meta:
        ordering = ("household_id", "spell_no")
        constraints = [
            models.UniqueConstraint(fields=["household", "spell_no"], name="spells_of_a_household_are_numbered"),
        ]

    def __str__(self) -> str:
        return str(self.id)


class Pairing(models.Model):
    """Responsible helper × household × period. The helper may have no account yet; then only name and unit are known."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    household = models.ForeignKey(Household, on_delete=models.PROTECT, related_name="pairings")
    village_code = models.CharField(max_length=12)
    user = models.ForeignKey("accounts.User", null=True, blank=True, on_delete=models.PROTECT, related_name="pairings")
    helper_name = models.CharField(max_length=60)
    helper_phone = models.CharField(max_length=20, blank=True)
    helper_unit = models.CharField(max_length=120, blank=True)
    unit_position = models.CharField(max_length=80, blank=True)
    helper_id_secret = models.TextField(null=True, blank=True)
    helper_id_mask = models.CharField(max_length=24, blank=True)
    values = models.JSONField(default=dict, blank=True)  # the items of helper_pairing that have no column, as MonitoringSpell
    is_main = models.BooleanField(default=True)
    start_on = models.DateField()
    end_on = models.DateField(null=True, blank=True)
    import_batch_id = models.UUIDField(null=True, blank=True)

    objects = ReachQuerySet.as_manager()

    class Meta:
        ordering = ("start_on", "id")
        indexes = [models.Index(fields=["user", "end_on"], name="pairing_of_user")]
        constraints = [
            models.UniqueConstraint(
                fields=["household"],
                condition=models.Q(is_main=True, end_on__isnull=True),
                name="a_household_has_one_main_helper_at_a_time",
            ),
            models.CheckConstraint(
                name="a_pairing_ends_after_it_begins",
                condition=models.Q(end_on__isnull=True) | models.Q(end_on__gte=models.F("start_on")),
            ),
        ]

    def __str__(self) -> str:
        return str(self.id)


class Location(models.Model):
    """Where the house stands, CGCS2000, in millionths of a degree; the latest row counts."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    household = models.ForeignKey(Household, on_delete=models.PROTECT, related_name="locations")
    village_code = models.CharField(max_length=12)
    lat = models.IntegerField()
    lon = models.IntegerField()
    datum = models.CharField(max_length=CODE, blank=True)
    gps_accuracy_m = models.IntegerField(null=True, blank=True)  # hundredths of a metre
    mock_location = models.BooleanField(default=False)
    located_at = models.DateTimeField()
    locator_name = models.CharField(max_length=60, blank=True)
    locator = models.ForeignKey("accounts.User", null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    is_current = models.BooleanField(default=True)

    objects = ReachQuerySet.as_manager()

    class Meta:
        ordering = ("-located_at",)
        constraints = [
            models.UniqueConstraint(fields=["household"], condition=models.Q(is_current=True), name="a_household_has_one_current_location"),
        ]

    def __str__(self) -> str:
        return str(self.id)


class Reveal(models.Model):
    """Who looked at a whole number, when, and why."""

    household = models.ForeignKey(Household, on_delete=models.PROTECT, related_name="reveals")
    village_code = models.CharField(max_length=12)
    subject_id = models.UUIDField()
    name = models.CharField(max_length=60)  # id_number, disability_card_no, bank_card_no, helper_id of a pairing
    reason = models.CharField(max_length=200)
    revealed_by = models.ForeignKey("accounts.User", on_delete=models.PROTECT, related_name="+")
    revealed_at = models.DateTimeField(auto_now_add=True)

    objects = ReachQuerySet.as_manager()

    def __str__(self) -> str:
        return f"{self.name} {self.subject_id}"
