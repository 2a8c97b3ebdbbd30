-- Moves and deletions of resources of another service, whose grants follow once the service says that
-- its own half is stored. A row that is never asked for is of a change that was not stored.
CREATE TABLE resource_change (
    id              UUID NOT NULL PRIMARY KEY,
    organization_id UUID NOT NULL REFERENCES organization (id),
    from_path       TEXT COLLATE "C" NOT NULL,
    to_path         TEXT COLLATE "C", -- none: the resource is deleted
    actor           TEXT NOT NULL,
    user_id         UUID,
    credential      TEXT,
    address         TEXT,
    request_id      TEXT,
    created_at      BIGINT NOT NULL
);
