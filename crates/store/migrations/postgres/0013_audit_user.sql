-- no-transaction
-- The log, by who did it.
CREATE INDEX CONCURRENTLY IF NOT EXISTS audit_record_user ON audit_record (organization_id, user_id, at, id) WHERE user_id IS NOT NULL;
