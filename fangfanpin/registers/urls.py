from django.urls import path

from fangfanpin.registers import views

app_name = "registers"
urlpatterns = [
    path("registers/", views.registers, name="registers"),
    path("registers/choices/<slug:ref>", views.choose, name="choices"),
    path("registers/rows/<uuid:row_id>/", views.row, name="row"),
    path("registers/rows/<uuid:row_id>/edit", views.edit, name="edit"),
    path("registers/rows/<uuid:row_id>/strike", views.strike, name="strike"),
    path("registers/rows/<uuid:row_id>/approve", views.approve, name="approve"),
    path("registers/rows/<uuid:row_id>/return", views.send_back, name="return"),
    path("registers/<slug:form>/", views.listing, name="list"),
    path("registers/<slug:form>/approve", views.approve_many, name="approve_many"),
    path("registers/<slug:form>/export", views.export, name="export"),
    path("registers/<slug:form>/new", views.new, name="new"),
]
