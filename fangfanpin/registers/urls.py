from django.urls import path

from fangfanpin.registers import entering, table_views, views, workbook_views

app_name = "registers"
urlpatterns = [
    path("registers/", views.registers, name="registers"),
    path("registers/choices/<slug:ref>", views.choose, name="choices"),
    path("registers/natural-villages", table_views.add_natural_village, name="add_natural_village"),
    path("registers/rows/<uuid:row_id>/", views.row, name="row"),
    path("registers/tables/<uuid:table_id>/submit", table_views.submit, name="submit"),
    path("registers/tables/<uuid:table_id>/rename", table_views.rename, name="rename"),
    path("registers/tables/<uuid:table_id>/paper", table_views.paper, name="paper"),
    path("registers/tables/<uuid:table_id>/behind/<slug:item>", table_views.behind, name="behind"),
    path("registers/rows/<uuid:row_id>/show/<slug:name>", table_views.show_in_full, name="show_in_full"),
    path("registers/rows/<uuid:row_id>/edit", views.edit, name="edit"),
    path("registers/rows/<uuid:row_id>/strike", views.strike, name="strike"),
    path("registers/rows/<uuid:row_id>/approve", views.approve, name="approve"),
    path("registers/rows/<uuid:row_id>/return", views.send_back, name="return"),
    path("registers/rows/<uuid:row_id>/paper", entering.row_paper, name="row_paper"),
    path("registers/filters/<int:filter_id>/forget", entering.forget_filter, name="forget_filter"),
    path("registers/imports/<uuid:import_id>/", workbook_views.batch, name="import"),
    path("registers/imports/<uuid:import_id>/apply", workbook_views.apply, name="import_apply"),
    path("registers/imports/<uuid:import_id>/take-back", workbook_views.take_back, name="import_take_back"),
    path("registers/imports/<uuid:import_id>/tray", workbook_views.tray, name="import_tray"),
    path("registers/<slug:form>/", views.listing, name="list"),
    path("registers/<slug:form>/approve", views.approve_many, name="approve_many"),
    path("registers/<slug:form>/export", views.export, name="export"),
    path("registers/<slug:form>/template", workbook_views.template, name="template"),
    path("registers/<slug:form>/imports", workbook_views.imports, name="imports"),
    path("registers/<slug:form>/new", views.new, name="new"),
    path("registers/<slug:form>/grid", entering.grid_page, name="grid"),
    path("registers/<slug:form>/grid/check", entering.grid_check, name="grid_check"),
    path("registers/<slug:form>/grid/save", entering.grid_save, name="grid_save"),
    path("registers/<slug:form>/carry", entering.carry, name="carry"),
    path("registers/<slug:form>/filters", entering.keep_filter, name="keep_filter"),
    path("registers/<slug:form>/blank", entering.blank, name="blank"),
    path("registers/<slug:form>/print", entering.print_list, name="print_list"),
]
