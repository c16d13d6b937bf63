"""Run the command line as `python -m statebag`."""

from statebag.cli import main

if __name__ == "__main__":
    main()
