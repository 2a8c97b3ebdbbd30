-- no-transaction
-- The codes of a connection, or of one of its people.
CREATE INDEX CONCURRENTLY IF NOT EXISTS sso_code_connection ON sso_code (connection_id, subject);
