"""The entry point of `python -m trayalert` and of the installed command."""

import sys


def main() -> None:
    """Run the command line, or the reaper of a tunnel if the first argument is `--guard-a-tunnel`.

    The frozen program contains no separate Python interpreter for the reaper, so the program starts itself with this
    argument. The reaper runs as long as its tunnel and must stay small, so the command line is not imported for it.
    """
    if sys.argv[1:2] == ["--guard-a-tunnel"]:
        from trayalert.services.tunnel import reaper  # noqa: PLC0415 - the commands do not need it

        sys.exit(reaper.main(sys.argv[2:]))
    from trayalert import cli  # noqa: PLC0415 - the reaper does not need it

    cli.main()


if __name__ == "__main__":
    main()
