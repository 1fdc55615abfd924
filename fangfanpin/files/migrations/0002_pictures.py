from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("files", "0001_initial")]

    operations = [
        migrations.AlterField(
            model_name="storedfile",
            name="purpose",
            field=models.CharField(
                choices=[
                    ("export", "导出"), ("import", "导入"), ("marked", "标错的文件"), ("sheets", "对照表"), ("household_file", "农户档案"),
                    ("clue_list", "线索清单"), ("slips", "密码条"), ("evidence", "佐证材料"), ("picture", "照片、签字"),
                ],
                max_length=20,
            ),
        ),
        migrations.AddField(model_name="storedfile", name="record_id", field=models.UUIDField(blank=True, null=True)),
        migrations.AddField(model_name="storedfile", name="item", field=models.CharField(blank=True, default="", max_length=121), preserve_default=False),
        migrations.AddIndex(
            model_name="storedfile",
            index=models.Index(condition=models.Q(("record_id__isnull", False)), fields=["record_id"], name="file_of_record"),
        ),
    ]
