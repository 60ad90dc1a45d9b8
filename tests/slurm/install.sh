#!/bin/sh
# What tests/test_slurm.py needs, on Debian or Ubuntu, as root: Slurm's daemons, none of them started.
# Away again: apt-get purge --yes slurmctld slurmd slurm-client munge; apt-get autoremove --purge --yes
set -eu
apt-get update
DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends \
    slurmctld slurmd slurm-client munge
