// This target's first type lands with its first commit.
