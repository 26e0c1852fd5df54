"""The suite without pytest's command line: `scripts/test-runner.py`.

Reading order: `command` (options, exit status) → `session` (a child with pytest in it, deadlines, what is done when it hangs or
dies) → `teller` (the child's plugin: says on a pipe what begins and how it ended) → `outcome` (a plugin of every session: what
an end is called, and the time that a test may take) → `record` and `formats` (results, and how they are written).
"""
