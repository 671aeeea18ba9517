"""`python -m graph.doors.terminal`: the `botgraph` command."""

from graph.doors.terminal.program import main

if __name__ == "__main__":
    main()
