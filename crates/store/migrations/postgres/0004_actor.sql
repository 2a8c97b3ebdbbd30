-- What kind of actor did it: 'user', 'operator', 'identity_provider' or 'server'. Records from before
-- have none; those with a user are of a user.
ALTER TABLE audit_record ADD COLUMN actor TEXT;
