-- no-transaction
-- What came by one of a provider's own sessions.
CREATE INDEX CONCURRENTLY IF NOT EXISTS sso_session_provider ON sso_session (connection_id, provider_session) WHERE provider_session IS NOT NULL;
