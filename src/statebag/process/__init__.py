"""What the process may use: memory, files, threads and forks."""
