"""A real Slurm of one node on this machine, with a GPU that isn't one.

Debian's packages bring the daemons (install.sh); this starts and stops them. Only root can.
"""

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

# Where Debian's Slurm looks. SLURM_CONF wouldn't do: the executor clears it inside of a job.
CONFIG = Path("/etc/slurm")
DAEMONS = ("munged", "slurmctld", "slurmd")
# What the node claims to have, for the profile's requests to fit; how much runs at once is up to
# snakemake's --jobs.
CPUS, MEMORY_MB = 64, 512_000

SLURM_CONF = """\
ClusterName=emohead
SlurmctldHost=localhost
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/linux
AccountingStorageType=accounting_storage/none
JobCompType=jobcomp/none
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.log
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
SlurmdParameters=config_overrides
MinJobAge=86400
ReturnToService=2
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
GresTypes=gpu
NodeName=localhost NodeAddr=127.0.0.1 CPUs={cpus} RealMemory={memory} Gres=gpu:2 State=UNKNOWN
PartitionName=debug Nodes=localhost Default=YES MaxTime=INFINITE State=UP
"""
# Any two devices: nothing opens them.
GRES_CONF = (
    "NodeName=localhost Name=gpu File=/dev/null\nNodeName=localhost Name=gpu File=/dev/zero\n"
)


def missing() -> str | None:
    """Why no Slurm can be started here, in a person's words; None where one can."""
    if os.geteuid() != 0:
        return "only root can start Slurm's daemons"
    absent = [daemon for daemon in DAEMONS if shutil.which(daemon) is None]
    if absent:
        return f"there is no {', '.join(absent)}: run tests/slurm/install.sh (Debian, as root)"
    if (CONFIG / "slurm.conf").exists():
        return f"{CONFIG}/slurm.conf is there: this machine has a Slurm of its own"
    return None


@contextmanager
def slurm(folder: Path) -> Iterator[None]:
    """Run the three daemons, whose files go to `folder`; the commands of Slurm work meanwhile."""
    for name in ("state", "spool"):
        (folder / name).mkdir(parents=True)
    CONFIG.mkdir(exist_ok=True)
    texts = {
        "slurm.conf": SLURM_CONF.format(folder=folder, cpus=CPUS, memory=MEMORY_MB),
        "gres.conf": GRES_CONF,
    }
    with ExitStack() as stack:
        for name, text in texts.items():
            stack.callback((CONFIG / name).unlink)
            (CONFIG / name).write_text(text)
        _start_munged()
        stack.callback(_stop, Path("/run/munge/munged.pid"))
        subprocess.run(["slurmctld"], check=True)
        stack.callback(_stop, folder / "slurmctld.pid")
        subprocess.run(["slurmd", "-N", "localhost"], check=True)
        stack.callback(_stop, folder / "slurmd.pid")
        _wait("the node to be idle", lambda: _output("sinfo", "-h", "-o", "%T") == "idle")
        stack.callback(_output, "scancel", "--me")
        yield


def jobs() -> list[dict[str, str]]:
    """All jobs so far: JobId, JobState, Comment (the rule), TRES, TresPerJob (its GPUs), ..."""
    lines = _output("scontrol", "--oneliner", "show", "jobs").splitlines()
    return [
        dict(word.split("=", 1) for word in line.split() if "=" in word)
        for line in lines
        if line.startswith("JobId=")
    ]


def _start_munged() -> None:
    """As its own user, which is all that it agrees to."""
    runtime = Path("/run/munge")
    runtime.mkdir(exist_ok=True)
    shutil.chown(runtime, "munge", "munge")
    runtime.chmod(0o755)
    subprocess.run(["su", "-s", "/bin/sh", "munge", "-c", "munged"], check=True)


def _stop(pid_file: Path) -> None:
    """End the daemon whose number the file has, and wait for it."""
    if not pid_file.exists() or not (text := pid_file.read_text().strip()):
        return
    if _running(text):
        os.kill(int(text), signal.SIGTERM)
        _wait(f"{pid_file.stem} to end", lambda: not _running(text))


def _running(pid: str) -> bool:
    """Whether there is such a process; one that has ended has no command line any more."""
    try:
        return bool(Path("/proc", pid, "cmdline").read_bytes())
    except FileNotFoundError:
        return False


def _output(*command: str) -> str:
    return subprocess.run(command, capture_output=True, text=True).stdout.strip()


def _wait(what: str, there: Callable[[], bool], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not there():
        if time.monotonic() > deadline:
            raise TimeoutError(f"waited {seconds:g} s for {what}")
        time.sleep(0.5)
