from django.apps import AppConfig


class RecordsConfig(AppConfig):
    name = "fangfanpin.records"
    default_auto_field = "django.db.models.BigAutoField"
