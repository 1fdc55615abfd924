"""What the background jobs of imports share: the file a job is of, and refusals told to its owner."""

from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

from django.utils.translation import gettext as _

from fangfanpin.jobs.models import Job
from fangfanpin.jobs.services import JobRefused
from fangfanpin.records.current_year import NoYear
from fangfanpin.records.models import ImportBatch
from fangfanpin.records.workbooks.batches import ImportRefused


def batch_of(job: Job) -> ImportBatch:
    """The file that the job's parameters name."""
    batch = ImportBatch.objects.filter(pk=UUID(job.parameters["batch"])).first()
    if batch is None:
        raise JobRefused(_("没有找到这个文件，请重新上传。"))
    return batch


@contextmanager
def told_to_owner() -> Iterator[None]:
    try:
        yield
    except NoYear:
        raise JobRefused(_("还没有年度工作，请先建立年度工作再导入。")) from None
    except ImportRefused as refused:
        raise JobRefused(str(refused)) from None
