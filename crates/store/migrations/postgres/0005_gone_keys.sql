-- For tidying up, which asks for keys that are long gone, however many are not.
CREATE INDEX api_key_expiry ON api_key (expires_at) WHERE expires_at IS NOT NULL;
CREATE INDEX api_key_revocation ON api_key (revoked_at) WHERE revoked_at IS NOT NULL;
