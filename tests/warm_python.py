"""A Python that has imported everything already, for tests that start a hundred scripts.

    python tests/warm_python.py FOLDER    lays an executable `python` into the folder

It stands in for Python where a script of ours is run, or Snakemake; each in a process of its own,
forked from a server, with its own arguments, folder, variables and streams. The server ends with
its standard input.
"""

import atexit
import gc
import json
import multiprocessing.process
import os
import runpy
import select
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path

ROOT = Path(__file__).parent.parent
LIBRARY = ROOT / "workflow_scripts"
#: What scripts import late, or not by themselves.
LATE = (
    "lightning.fabric", "tensorboardX", "pandas", "jsonschema", "yaml", "snakemake.cli",
    "snakemake.storage", "smart_open", "emohead.config_checks", "emohead.plan.rates",
    "emohead.evaluation.networks.reasons",
)  # fmt: skip
#: Names a CSV file to which every script's name, processor seconds and peak memory (KiB) are added:
#: whoever measures the process that he started sees only the client.
USAGE = "EMOHEAD_WARM_USAGE"
CLIENT = """#!{python} -IS
import json, os, signal, socket, sys
if sys.argv[1:3] != ["-m", "snakemake"] and not sys.argv[1].endswith(".py"):
    os.execv({python!r}, [{python!r}, *sys.argv[1:]])
with socket.socket(socket.AF_UNIX) as server:
    server.connect({address!r})
    asked = json.dumps([sys.argv[1:], os.getcwd(), dict(os.environ)]).encode()
    socket.send_fds(server, [len(asked).to_bytes(4, "big")], [0, 1, 2])
    server.sendall(asked)
    status = int.from_bytes(server.recv(4), "big", signed=True)
if status < 0:
    signal.signal(-status, signal.SIG_DFL) if -status != signal.SIGKILL else None
    os.kill(os.getpid(), -status)
sys.exit(status)
"""


@contextmanager
def warm_python(cold: str | Path = sys.executable) -> Iterator[str]:
    """The path of a Python that has imported everything already: an environment's, else our own."""
    with tempfile.TemporaryDirectory(prefix="emohead-warm-") as name:
        python = Path(name) / "python"
        environment = {n: v for n, v in os.environ.items() if n != "PYTHONPATH"}
        with subprocess.Popen(
            [cold, __file__, name],
            stdin=subprocess.PIPE, stdout=subprocess.DEVNULL,
            env={**environment, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"},
        ) as server:  # fmt: skip
            while not python.exists():
                assert server.poll() is None, "tests/warm_python.py can't be started"
                time.sleep(0.05)
            yield str(python)


def serve(folder: Path) -> tuple[list[str], str, dict[str, str]]:
    """Answer until the standard input ends; returns in a process of its own for each call."""
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(folder / "socket"))
        server.listen(64)
        client = folder / "unfinished"
        client.write_text(CLIENT.format(python=sys.executable, address=str(folder / "socket")))
        client.chmod(0o755)
        client.rename(folder / "python")
        signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # who tells the status is waited for by none
        while True:
            if sys.stdin in select.select([server, sys.stdin], [], [])[0]:
                os._exit(0)
            connection, _ = server.accept()
            if not os.fork():
                break
            connection.close()
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    with connection:
        length, streams, *_ = socket.recv_fds(connection, 4, 3)
        with connection.makefile("rb") as file:
            asked = json.loads(file.read(int.from_bytes(length, "big")))
        if child := os.fork():
            _, status, used = os.wait4(child, 0)
            status = os.waitstatus_to_exitcode(status)
            if record := asked[2].get(USAGE):
                taken = [Path(asked[0][0]).stem, used.ru_utime + used.ru_stime, used.ru_maxrss]
                with open(record, "a") as file:
                    print(*taken, sep=",", file=file)
            connection.sendall(status.to_bytes(4, "big", signed=True))
            os._exit(0)
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
        os.close(stream)
    return asked


def run(words: list[str], folder: str, environment: dict[str, str], python: Path) -> None:
    """As Python does: a script, or `-m snakemake`."""
    os.chdir(folder)
    multiprocessing.process.ORIGINAL_DIR = folder  # where a spawned process looks for the script
    os.environ.clear()
    os.environ.update(environment)
    is_snakemake = words[0] == "-m"
    started = words[words.index("--snakefile") + 1] if "--snakefile" in words else words[0]
    if is_snakemake and started == "-m":  # it deploys sources, of which it reads none
        started = ROOT
    if not Path(started).resolve().is_relative_to(ROOT):
        # Another checkout's, which has its own library.
        for name in [name for name in sys.modules if name.partition(".")[0] == "emohead"]:
            del sys.modules[name]
        sys.path.remove(str(LIBRARY))
    if is_snakemake:
        sys.executable = str(python)  # and so it is its jobs' Python, too
        sys.argv, sys.path[0] = words[1:], folder
        runpy.run_module("snakemake", run_name="__main__", alter_sys=True)
    else:
        sys.argv, sys.path[0] = words, str(Path(started).parent)
        runpy.run_path(started, run_name="__main__")


def import_everything() -> None:
    sys.path.insert(1, str(LIBRARY))
    for name in LATE:
        import_module(name)
    from snakemake.cli import get_argument_parser

    from emohead.code_digest import code_digest
    from emohead.features.faces import load_predictor

    get_argument_parser()  # finds the plugins
    load_predictor()
    for script in sorted(LIBRARY.glob("*.py")):
        import_module(script.stem)
        code_digest(script.name)  # which keeps what it has read
        del sys.modules[script.stem]
    gc.freeze()


def end(error: BaseException | None) -> None:
    """As Python does, but for taking apart what the server needs no more than this process."""
    code = error.code if isinstance(error, SystemExit) else error
    if code is None:
        status = 0
    elif isinstance(code, int):
        status = code
    else:
        status = 1
        traceback.print_exception(code) if code is error else print(code, file=sys.stderr)
    threading._shutdown()
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    os._exit(status)


if __name__ == "__main__":
    import_everything()
    place = Path(sys.argv[1])
    asked = serve(place)
    try:
        run(*asked, place / "python")
    except BaseException as error:
        end(error)
    end(None)
