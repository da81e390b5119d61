"""One module per energy table; `chipwise.components.registry` finds them by file name."""
