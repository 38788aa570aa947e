"""`python -m filesearch`: the command line."""

from filesearch.cli import main

if __name__ == "__main__":
    main()
