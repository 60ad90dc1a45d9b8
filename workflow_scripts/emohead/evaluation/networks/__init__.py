"""Metrics by published networks whose weights are given: LPIPS, FID, SyncNet."""
