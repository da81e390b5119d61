"""Sparse and bit-scalable compute engines: cycles and energy of each on any network, beside their dense counterpart."""
