-- The connection that the creator of a key had signed in through. Keys without one, among them all
-- from before, were created after a sign-in with a password, or by the operator.
ALTER TABLE api_key ADD COLUMN connection_id UUID REFERENCES sso_connection (id);
CREATE INDEX api_key_connection ON api_key (connection_id) WHERE connection_id IS NOT NULL;
