"""What a run of a config is made of, on which machines: jobs, hours, memory and disk."""
