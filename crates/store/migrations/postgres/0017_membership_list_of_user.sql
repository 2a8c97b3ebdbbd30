-- no-transaction
-- The organisations of a user, the oldest membership first.
CREATE INDEX CONCURRENTLY IF NOT EXISTS membership_list_of_user ON membership (user_id, created_at, organization_id);
