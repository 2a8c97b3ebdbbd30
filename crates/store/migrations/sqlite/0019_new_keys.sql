-- The newest keys of a user, for the limit on how many are created in a day.
CREATE INDEX IF NOT EXISTS api_key_created ON api_key (owner_id, created_at);
