"""Published figures to reproduce: every module here is a group of `chipwise validate`, by its file name."""
