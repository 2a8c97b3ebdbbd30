-- The last moment that is known to have been, while the clock of a server that started is too far
-- ahead of it to delete anything by. One row, or none.
CREATE TABLE clock_doubt (
    id         INTEGER NOT NULL PRIMARY KEY CHECK (id = 1),
    last_known INTEGER NOT NULL
) STRICT;
