"""Runs a script until the n-th call of a function of the library, and there kills it.

python tests/dying_script.py FUNCTION N SCRIPT [FLAG ...]
"""

import os
import pkgutil
import runpy
import signal
import sys

function, last = sys.argv[1], int(sys.argv[2])
sys.argv = sys.argv[3:]
sys.path[0] = os.path.dirname(sys.argv[0])
owner, name = pkgutil.resolve_name(function.rpartition(".")[0]), function.rpartition(".")[2]
real, calls = getattr(owner, name), []


def counted(*arguments, **options):
    calls.append(1)
    if len(calls) == last:
        os.kill(os.getpid(), signal.SIGKILL)
    return real(*arguments, **options)


setattr(owner, name, counted)
runpy.run_path(sys.argv[0], run_name="__main__")
