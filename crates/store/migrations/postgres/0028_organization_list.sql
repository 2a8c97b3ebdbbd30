-- no-transaction
-- All organisations, the oldest first.
CREATE INDEX CONCURRENTLY IF NOT EXISTS organization_list ON organization (created_at, id);
