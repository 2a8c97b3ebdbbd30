-- no-transaction
-- The active owners, of whom an organisation keeps one, in the order in which they are listed. The two
-- columns that are the same in all of them make SQLite prefer it to the primary key.
CREATE INDEX CONCURRENTLY IF NOT EXISTS membership_owner
    ON membership (organization_id, role, deactivated_at, created_at, user_id)
    WHERE role = 'OWNER' AND deactivated_at IS NULL;
