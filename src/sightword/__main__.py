"""``python -m sightword`` is the command ``sightword``."""

from sightword.cli import main

if __name__ == "__main__":
    main()
