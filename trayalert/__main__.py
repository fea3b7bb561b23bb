"""`python -m trayalert` and the installed command."""

from trayalert.cli import main

if __name__ == "__main__":
    main()
