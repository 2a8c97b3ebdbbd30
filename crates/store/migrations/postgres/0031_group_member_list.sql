-- no-transaction
-- The members of a group, the longest first.
CREATE INDEX CONCURRENTLY IF NOT EXISTS group_member_list ON group_member (group_id, created_at, user_id);
