"""Deadlines of tests in which something has to begin before the deadline passes."""

LONGEST = 120  # seconds; a machine that is stopped for a while is back by then


def growing(seconds):
    """Deadlines for one attempt after another, until what has to begin has begun.

    A machine that does other work may let the first ones pass before anything happens.
    """
    while seconds < LONGEST:
        yield seconds
        seconds *= 5
    yield LONGEST
