"""An executor whose jobs share no disk: each runs in a new folder, with what it is sent alone.

`APART` names the folder of these folders; what a job leaves in its own stays there.
"""

import os
import subprocess
import tempfile
from pathlib import Path

from snakemake_interface_executor_plugins.executors.base import SubmittedJobInfo
from snakemake_interface_executor_plugins.executors.remote import RemoteExecutor
from snakemake_interface_executor_plugins.settings import CommonSettings

common_settings = CommonSettings(
    non_local_exec=True,
    implies_no_shared_fs=True,
    job_deploy_sources=True,
    auto_deploy_default_storage_provider=False,
)


class Executor(RemoteExecutor):
    """Starts a job's command in its folder."""

    def get_python_executable(self):
        """The one of the environment, as in an image."""
        return "python"

    def get_snakefile(self):
        """As the sources have it that a job is sent."""
        return os.path.relpath(super().get_snakefile())

    def run_job(self, job):
        """Start the job."""
        folder = Path(tempfile.mkdtemp(prefix=f"{job.name}-", dir=os.environ["APART"]))
        with (folder.with_suffix(".log")).open("w") as log:
            process = subprocess.Popen(
                ["bash", "-c", self.format_job_exec(job)],
                cwd=folder, stdout=log, stderr=subprocess.STDOUT,
            )  # fmt: skip
        info = SubmittedJobInfo(job, external_jobid=folder.name, aux={"of": process})
        self.report_job_submission(info)

    async def check_active_jobs(self, active_jobs):
        """Say which have ended; yield the others."""
        for info in active_jobs:
            status = info.aux["of"].poll()
            if status is None:
                yield info
            elif status == 0:
                self.report_job_success(info)
            else:
                log = Path(os.environ["APART"], f"{info.external_jobid}.log")
                self.report_job_error(info, msg=log.read_text()[-4000:])

    def cancel_jobs(self, active_jobs):
        """End them."""
        for info in active_jobs:
            info.aux["of"].kill()
