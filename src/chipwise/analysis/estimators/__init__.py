"""Closed-form latency of given machines, as their makers or simulators publish it: no mapping is searched."""
