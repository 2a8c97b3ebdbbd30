-- The organisations of a user, the oldest membership first.
CREATE INDEX IF NOT EXISTS membership_list_of_user ON membership (user_id, created_at, organization_id);
