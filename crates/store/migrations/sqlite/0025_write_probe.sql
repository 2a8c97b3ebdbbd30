-- One row, by which a server that could not write finds out whether it can again.
CREATE TABLE write_probe (
    id     INTEGER NOT NULL PRIMARY KEY CHECK (id = 1),
    writes INTEGER NOT NULL
) STRICT;
