"""Run the simulator from the command line."""

from flexera_simulator.command_line import main

if __name__ == "__main__":
    raise SystemExit(main())
