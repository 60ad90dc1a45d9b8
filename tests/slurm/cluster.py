"""A real Slurm of three nodes on this machine, with GPUs that are none.

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
NODES = ("node1", "node2", "node3")
# What each node claims to have, for the profile's requests to fit; how much runs at once is up to
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
# A step that takes more memory than its job has been given is killed within some seconds.
JobAcctGatherType=jobacct_gather/linux
JobAcctGatherFrequency=task=1
JobAcctGatherParams=OverMemoryKill,UsePss
AccountingStorageType=accounting_storage/none
JobCompType=jobcomp/filetxt
JobCompLoc={folder}/ended.txt
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool/%n
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/%n.log
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/%n.pid
SlurmdParameters=config_overrides
# Seconds until a node that doesn't answer is down, and its jobs are requeued; 300 by default.
SlurmdTimeout=30
# Patience with a machine that is busy with other things, too.
MessageTimeout=60
BatchStartTimeout=120
OverTimeLimit=UNLIMITED
MinJobAge=86400
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
GresTypes=gpu
NodeName=node[1-3] NodeHostname=localhost NodeAddr=127.0.0.1 Port=[17001-17003] \
    CPUs={cpus} RealMemory={memory} Gres=gpu:2
# Each job goes to the node that has least to do; who comes by the other partition comes first.
PreemptType=preempt/partition_prio
PreemptMode=REQUEUE
PartitionName=debug Nodes=ALL Default=YES MaxTime=INFINITE LLN=YES PriorityTier=1
PartitionName=urgent Nodes=ALL PriorityTier=2
"""
# Any two devices: nothing opens them.
GRES_CONF = """\
NodeName=node[1-3] Name=gpu File=/dev/null
NodeName=node[1-3] Name=gpu File=/dev/zero
"""
# A node has processes of its own, which are all killed with its first one, as in a power cut.
NODE = ("unshare", "--pid", "--fork", "--kill-child", "--mount-proc", "slurmd", "-D", "-N")


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
def slurm(folder: Path) -> Iterator[dict[str, subprocess.Popen]]:
    """Run the daemons, whose files go to `folder`; the commands of Slurm work meanwhile.

    Gives each node's process by the node's name. Killed, it takes all that runs there with it.
    """
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
        nodes = {name: subprocess.Popen([*NODE, name], stderr=subprocess.DEVNULL) for name in NODES}
        for node in nodes.values():
            stack.callback(node.wait)
            stack.callback(node.kill)
        _wait("the nodes to be idle", lambda: set(states().values()) == {"idle"})
        stack.callback(_output, "scancel", "--me")
        yield nodes


def jobs() -> list[dict[str, str]]:
    """All jobs so far: JobId, JobState, Comment (the rule), TRES, TresPerJob (its GPUs), ..."""
    lines = _output("scontrol", "--oneliner", "show", "jobs").splitlines()
    return [
        dict(word.split("=", 1) for word in line.split() if "=" in word)
        for line in lines
        if line.startswith("JobId=")
    ]


def ends() -> list[tuple[str, str, str]]:
    """(JobId, state, node) of each end of a job so far: one that was requeued has several."""
    fields = ("--noheader", "--parsable2", "--format=JobID,State,NodeList")
    return [tuple(line.split("|")) for line in _output("sacct", "-c", *fields).splitlines()]


def states() -> dict[str, str]:
    """What each node is: idle, mixed, down*, ..."""
    lines = _output("sinfo", "-h", "-N", "-p", "debug", "-o", "%N %T").splitlines()
    return dict(line.split() for line in lines)


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
