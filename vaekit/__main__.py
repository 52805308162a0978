"""`python -m vaekit` and the console script."""

from vaekit.cli import main

if __name__ == "__main__":
    main()
