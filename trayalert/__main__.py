"""`python -m trayalert` and the installed command."""

import sys


def main() -> None:
    """Run the command line; or, in the frozen program, the guard of a tunnel, which must stay small."""
    if sys.argv[1:2] == ["--guard-a-tunnel"]:
        from trayalert.services.tunnel import reaper  # noqa: PLC0415 - not for those who start a command

        sys.exit(reaper.main(sys.argv[2:]))
    from trayalert import cli  # noqa: PLC0415 - not for the guard

    cli.main()


if __name__ == "__main__":
    main()
