from django.apps import AppConfig


class PairingsConfig(AppConfig):
    name = "fangfanpin.pairings"
    default_auto_field = "django.db.models.BigAutoField"
