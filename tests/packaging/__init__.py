"""What people install: packages, unit, compose file, workflows."""
