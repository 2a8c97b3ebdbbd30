-- The keys that a user has now, however many were revoked, in the order in which they are listed.
CREATE INDEX IF NOT EXISTS api_key_live
    ON api_key (organization_id, owner_id, created_at, id) WHERE revoked_at IS NULL;
