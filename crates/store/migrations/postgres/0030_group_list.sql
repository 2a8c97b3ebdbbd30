-- no-transaction
-- The groups of an organisation, the oldest first.
CREATE INDEX CONCURRENTLY IF NOT EXISTS user_group_list ON user_group (organization_id, created_at, id);
