-- The codes of a user.
CREATE INDEX IF NOT EXISTS sso_code_user ON sso_code (user_id);
