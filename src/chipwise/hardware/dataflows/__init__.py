"""One module per dataflow; `chipwise.hardware.dataflow` finds them by their `DATAFLOW`."""
