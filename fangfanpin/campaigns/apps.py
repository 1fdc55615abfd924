from django.apps import AppConfig


class CampaignsConfig(AppConfig):
    name = "fangfanpin.campaigns"
    default_auto_field = "django.db.models.BigAutoField"
