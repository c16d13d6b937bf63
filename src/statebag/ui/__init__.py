"""Show executions on a page of this machine (`statebag ui`), or in a file for a ticket.

Nothing in this room is public API: the commands of `cli/` use it.
"""
