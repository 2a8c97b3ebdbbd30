-- All users, the oldest first.
CREATE INDEX IF NOT EXISTS user_account_list ON user_account (created_at, id);
