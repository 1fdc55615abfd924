"""The one procrastinate task: everything else is a job with a page."""

from procrastinate.contrib.django import app

from fangfanpin.jobs import services


@app.task(name="fangfanpin.run_job", queue="jobs")
def run_job(*, job_id: str) -> None:
    services.run(job_id)
