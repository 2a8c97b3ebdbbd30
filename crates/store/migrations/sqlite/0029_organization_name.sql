-- The organisations of one name, the oldest first.
CREATE INDEX IF NOT EXISTS organization_name ON organization (name, created_at, id);
