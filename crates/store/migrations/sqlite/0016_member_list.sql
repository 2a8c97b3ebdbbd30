-- The members of an organisation, the longest first.
CREATE INDEX IF NOT EXISTS membership_list ON membership (organization_id, created_at, user_id);
