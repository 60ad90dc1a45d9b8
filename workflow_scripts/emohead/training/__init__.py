"""One trainer for all stages: Adam with exponential decay, on Lightning Fabric, resumable.

Fabric brings devices, precisions and processes; the loop is our own (`loop.py`), since a training
that is killed inside an epoch must go on as if nothing had happened. Lightning's Trainer resumes
there without the epoch's running means, and its loader workers begin before it says which epoch.
"""
