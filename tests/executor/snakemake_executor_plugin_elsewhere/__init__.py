"""An executor that sends jobs elsewhere, as a cluster's does: they fail there, with a word."""

from snakemake_interface_executor_plugins.executors.base import SubmittedJobInfo
from snakemake_interface_executor_plugins.executors.remote import RemoteExecutor
from snakemake_interface_executor_plugins.settings import CommonSettings

common_settings = CommonSettings(
    non_local_exec=True, implies_no_shared_fs=False, job_deploy_sources=False
)


class Executor(RemoteExecutor):
    """Says which jobs it is given."""

    def run_job(self, job):
        """Take the job, and fail it."""
        print(f"sent {job.name}", flush=True)
        info = SubmittedJobInfo(job)
        self.report_job_submission(info)
        self.report_job_error(info, msg="there is no elsewhere")

    async def check_active_jobs(self, active_jobs):
        """There are none."""
        return
        yield

    def cancel_jobs(self, active_jobs):
        """There are none."""
