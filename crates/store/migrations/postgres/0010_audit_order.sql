-- no-transaction
-- For whoever follows the log of an organisation in the order of the commits.
CREATE INDEX CONCURRENTLY IF NOT EXISTS audit_record_order ON audit_record (organization_id, id);
