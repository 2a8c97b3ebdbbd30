-- no-transaction
-- The live sessions of an organisation, however many ended and whatever other organisations have.
CREATE INDEX CONCURRENTLY IF NOT EXISTS session_live
    ON session (organization_id, user_id) WHERE ended_at IS NULL;
