-- The connection that the creator of a key had signed in through. Keys without one were created after
-- a sign-in with a password, or by the operator; keys from before have none, and count as such.
ALTER TABLE api_key ADD COLUMN connection_id BLOB REFERENCES sso_connection (id);
CREATE INDEX api_key_connection ON api_key (connection_id) WHERE connection_id IS NOT NULL;

-- The ends of memberships, which a token for another organisation than its session's is compared with.
CREATE INDEX audit_record_membership_end ON audit_record (organization_id, subject, at)
    WHERE kind IN ('member.removed', 'member.deactivated');
