-- no-transaction
-- The log, by what was done.
CREATE INDEX CONCURRENTLY IF NOT EXISTS audit_record_kind ON audit_record (organization_id, kind, at, id);
