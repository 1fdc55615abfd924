from django.apps import AppConfig


class PolicyConfig(AppConfig):
    name = "fangfanpin.policy"
    default_auto_field = "django.db.models.BigAutoField"
