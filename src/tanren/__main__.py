"""`python -m tanren`: the same as the `tanren` command."""

from tanren.cli.main import main

main()
