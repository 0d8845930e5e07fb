"""What keeps the repository true to itself: locks, generated files and the checks that CI runs.

Nothing here is part of the program; ``./run`` calls it.
"""
