"""The public functions, which the package gives by name: what the command line calls, for Python and notebooks."""
