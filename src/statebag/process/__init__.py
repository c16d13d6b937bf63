"""Use memory, files, threads and forks of the process safely."""
