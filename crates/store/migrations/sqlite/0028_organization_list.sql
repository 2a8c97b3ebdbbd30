-- All organisations, the oldest first.
CREATE INDEX IF NOT EXISTS organization_list ON organization (created_at, id);
