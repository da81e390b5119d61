"""The engines: one file each, with an `ENGINE`, registered by being here."""
