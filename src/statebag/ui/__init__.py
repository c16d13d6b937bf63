"""A page on this machine that shows executions: `statebag ui`, and a file for a ticket.

Nothing in this room is public API: the commands of `cli/` use it.
"""
