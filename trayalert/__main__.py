"""The entry point for `python -m trayalert` and for the installed `trayalert` command."""

import sys


def main() -> None:
    """Run the command line. If the first argument is `--guard-a-tunnel`, run a tunnel's reaper instead.

    The reaper is a separate process. The frozen program has no Python interpreter to start that process with, so the
    program starts its own executable with this argument. To use little memory, a reaper does not import the command
    line.
    """
    if sys.argv[1:2] == ["--guard-a-tunnel"]:
        from trayalert.services.tunnel import reaper  # noqa: PLC0415 - the commands do not need it

        sys.exit(reaper.main(sys.argv[2:]))
    from trayalert import cli  # noqa: PLC0415 - the reaper does not need these modules
    from trayalert.domain.wording.language import use_catalogues  # noqa: PLC0415
    from trayalert.translations import read_catalogue  # noqa: PLC0415

    use_catalogues(read_catalogue)
    cli.main()


if __name__ == "__main__":
    main()
