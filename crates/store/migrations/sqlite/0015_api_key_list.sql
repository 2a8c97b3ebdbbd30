-- The keys of an organisation, the oldest first.
CREATE INDEX IF NOT EXISTS api_key_list ON api_key (organization_id, created_at, id);
