-- What came by the providers of an organisation.
CREATE INDEX IF NOT EXISTS sso_session_organization ON sso_session (organization_id, session_id);
