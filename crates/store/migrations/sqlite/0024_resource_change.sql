-- Moves and deletions of resources of another service, whose grants follow once the service says that
-- its own half is stored. A row that is never asked for is of a change that was not stored.
CREATE TABLE resource_change (
    id              BLOB NOT NULL PRIMARY KEY,
    organization_id BLOB NOT NULL REFERENCES organization (id),
    from_path       TEXT NOT NULL,
    to_path         TEXT, -- none: the resource is deleted
    actor           TEXT NOT NULL,
    user_id         BLOB,
    credential      TEXT,
    address         TEXT,
    request_id      TEXT,
    created_at      INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
