"""One module per estimator that chipwise brings; `chipwise.components.registry` finds them by file name."""
