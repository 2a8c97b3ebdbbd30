-- Single sign-on. Nothing here is read when a caller is looked up.

CREATE TABLE sso_connection (
    id              BLOB    NOT NULL PRIMARY KEY,
    organization_id BLOB    NOT NULL REFERENCES organization (id),
    name            TEXT    NOT NULL,
    live            TEXT    NOT NULL, -- settings as JSON
    live_secret     BLOB    NOT NULL, -- sealed
    staged          TEXT,
    staged_secret   BLOB,
    version         INTEGER NOT NULL,
    created_at      INTEGER NOT NULL,
    updated_at      INTEGER NOT NULL,
    disabled_at     INTEGER
) STRICT, WITHOUT ROWID;
CREATE INDEX sso_connection_organization ON sso_connection (organization_id, created_at);

CREATE TABLE sso_domain (
    id              BLOB    NOT NULL PRIMARY KEY,
    organization_id BLOB    NOT NULL REFERENCES organization (id),
    connection_id   BLOB    REFERENCES sso_connection (id),
    name            TEXT    NOT NULL,
    challenge       TEXT    NOT NULL,
    created_at      INTEGER NOT NULL,
    verified_at     INTEGER,
    UNIQUE (organization_id, name)
) STRICT, WITHOUT ROWID;
-- Many may claim a domain, one at a time has proved it.
CREATE UNIQUE INDEX sso_domain_verified ON sso_domain (name) WHERE verified_at IS NOT NULL;

CREATE TABLE redirect_uri (
    id              BLOB    NOT NULL PRIMARY KEY,
    organization_id BLOB    NOT NULL REFERENCES organization (id),
    uri             TEXT    NOT NULL,
    created_at      INTEGER NOT NULL,
    UNIQUE (organization_id, uri)
) STRICT, WITHOUT ROWID;

CREATE TABLE sso_identity (
    connection_id   BLOB    NOT NULL REFERENCES sso_connection (id),
    issuer          TEXT    NOT NULL,
    subject         TEXT    NOT NULL,
    organization_id BLOB    NOT NULL REFERENCES organization (id),
    user_id         BLOB    NOT NULL REFERENCES user_account (id),
    created_at      INTEGER NOT NULL,
    last_used_at    INTEGER NOT NULL,
    PRIMARY KEY (connection_id, issuer, subject),
    -- A user is one person at a provider: a reassigned address does not lead to the former owner.
    UNIQUE (connection_id, issuer, user_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX sso_identity_user ON sso_identity (user_id, organization_id);

-- Sign-ins that have begun. What they are about is sealed.
CREATE TABLE sso_pending (
    state_digest    BLOB    NOT NULL PRIMARY KEY,
    browser_digest  BLOB    NOT NULL,
    organization_id BLOB    NOT NULL REFERENCES organization (id),
    connection_id   BLOB    NOT NULL REFERENCES sso_connection (id),
    sealed          BLOB    NOT NULL,
    expires_at      INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX sso_pending_organization ON sso_pending (organization_id, expires_at);
CREATE INDEX sso_pending_expiry ON sso_pending (expires_at);

-- Finished sign-ins whose token the application has still to fetch.
CREATE TABLE sso_code (
    digest          BLOB    NOT NULL PRIMARY KEY,
    redirect_uri    TEXT    NOT NULL,
    organization_id BLOB    NOT NULL REFERENCES organization (id),
    user_id         BLOB    NOT NULL REFERENCES user_account (id),
    connection_id   BLOB    NOT NULL REFERENCES sso_connection (id),
    issuer          TEXT    NOT NULL,
    subject         TEXT    NOT NULL,
    provider_session TEXT,
    id_token        BLOB, -- sealed
    expires_at      INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX sso_code_expiry ON sso_code (expires_at);

-- Which sessions came by which connection.
CREATE TABLE sso_session (
    session_id      BLOB    NOT NULL PRIMARY KEY REFERENCES session (id) ON DELETE CASCADE,
    organization_id BLOB    NOT NULL REFERENCES organization (id),
    connection_id   BLOB    NOT NULL REFERENCES sso_connection (id),
    issuer          TEXT    NOT NULL,
    subject         TEXT    NOT NULL,
    provider_session TEXT,
    id_token        BLOB    -- sealed
) STRICT, WITHOUT ROWID;
CREATE INDEX sso_session_subject ON sso_session (connection_id, subject);

-- The last tries of each connection.
CREATE TABLE sso_attempt (
    id              BLOB    NOT NULL PRIMARY KEY,
    connection_id   BLOB    NOT NULL REFERENCES sso_connection (id),
    organization_id BLOB    NOT NULL REFERENCES organization (id),
    at              INTEGER NOT NULL,
    purpose         TEXT    NOT NULL,
    clause          TEXT,
    detail          TEXT    NOT NULL,
    issuer          TEXT,
    subject         TEXT,
    email           TEXT,
    user_id         BLOB,
    address         TEXT,
    report          TEXT
) STRICT, WITHOUT ROWID;
CREATE INDEX sso_attempt_connection ON sso_attempt (connection_id, at, id);

-- Logout tokens that were heeded, until they have expired.
CREATE TABLE sso_logout_token (
    connection_id   BLOB    NOT NULL REFERENCES sso_connection (id),
    digest          BLOB    NOT NULL,
    forget_after    INTEGER NOT NULL,
    PRIMARY KEY (connection_id, digest)
) STRICT, WITHOUT ROWID;
CREATE INDEX sso_logout_token_expiry ON sso_logout_token (forget_after);

-- Since when an organisation's people have to sign in through its provider.
CREATE TABLE sso_enforcement (
    organization_id BLOB    NOT NULL PRIMARY KEY REFERENCES organization (id),
    since           INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Owners who may sign in by password all the same.
CREATE TABLE sso_break_glass (
    organization_id BLOB    NOT NULL,
    user_id         BLOB    NOT NULL,
    PRIMARY KEY (organization_id, user_id),
    FOREIGN KEY (organization_id, user_id)
        REFERENCES membership (organization_id, user_id) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;
