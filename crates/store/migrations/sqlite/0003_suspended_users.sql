-- The few who are suspended: whoever looks a caller up reads these instead of every user.
CREATE INDEX user_account_suspended ON user_account (id, suspended_at)
    WHERE suspended_at IS NOT NULL;
