-- no-transaction
-- All users, the oldest first.
CREATE INDEX CONCURRENTLY IF NOT EXISTS user_account_list ON user_account (created_at, id);
