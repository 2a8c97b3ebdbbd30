-- no-transaction
-- The log of an organisation, the newest first.
CREATE INDEX CONCURRENTLY IF NOT EXISTS audit_record_time ON audit_record (organization_id, at, id);
