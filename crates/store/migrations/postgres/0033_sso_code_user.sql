-- no-transaction
-- The codes of a user.
CREATE INDEX CONCURRENTLY IF NOT EXISTS sso_code_user ON sso_code (user_id);
