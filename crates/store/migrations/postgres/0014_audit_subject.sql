-- no-transaction
-- The log, by what it was done to.
CREATE INDEX CONCURRENTLY IF NOT EXISTS audit_record_subject ON audit_record (organization_id, subject, at, id) WHERE subject IS NOT NULL;
