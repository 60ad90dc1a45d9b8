"""What a config costs: operations, memory and hours, before anything is trained."""
