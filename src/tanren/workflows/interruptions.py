"""What ends a workflow before its job has ended: the process of the assignment turns it into its exit code."""


class Yielded(Exception):
    """The worker must go; the job goes back to the queue with what it has."""


class CannotGoOnNow(Exception):
    """Something around the job is away, S3 or space on the disk; the job is as it was and is tried again later."""


class Superseded(Exception):
    """A later attempt has the job; this one ends without a word."""
