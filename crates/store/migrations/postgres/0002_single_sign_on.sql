-- Single sign-on. Nothing here is read when a caller is looked up.

CREATE TABLE sso_connection (
    id              UUID   NOT NULL PRIMARY KEY,
    organization_id UUID   NOT NULL REFERENCES organization (id),
    name            TEXT   NOT NULL,
    live            TEXT   NOT NULL, -- settings as JSON
    live_secret     BYTEA  NOT NULL, -- sealed
    staged          TEXT,
    staged_secret   BYTEA,
    version         BIGINT NOT NULL,
    created_at      BIGINT NOT NULL,
    updated_at      BIGINT NOT NULL,
    disabled_at     BIGINT
);
CREATE INDEX sso_connection_organization ON sso_connection (organization_id, created_at);

CREATE TABLE sso_domain (
    id              UUID   NOT NULL PRIMARY KEY,
    organization_id UUID   NOT NULL REFERENCES organization (id),
    connection_id   UUID   REFERENCES sso_connection (id),
    name            TEXT   COLLATE "C" NOT NULL,
    challenge       TEXT   NOT NULL,
    created_at      BIGINT NOT NULL,
    verified_at     BIGINT,
    UNIQUE (organization_id, name)
);
-- Many may claim a domain, one at a time has proved it.
CREATE UNIQUE INDEX sso_domain_verified ON sso_domain (name) WHERE verified_at IS NOT NULL;

CREATE TABLE redirect_uri (
    id              UUID   NOT NULL PRIMARY KEY,
    organization_id UUID   NOT NULL REFERENCES organization (id),
    uri             TEXT   COLLATE "C" NOT NULL,
    created_at      BIGINT NOT NULL,
    UNIQUE (organization_id, uri)
);

CREATE TABLE sso_identity (
    connection_id   UUID   NOT NULL REFERENCES sso_connection (id),
    issuer          TEXT   COLLATE "C" NOT NULL,
    subject         TEXT   COLLATE "C" NOT NULL,
    organization_id UUID   NOT NULL REFERENCES organization (id),
    user_id         UUID   NOT NULL REFERENCES user_account (id),
    created_at      BIGINT NOT NULL,
    last_used_at    BIGINT NOT NULL,
    PRIMARY KEY (connection_id, issuer, subject),
    -- A user is one person at a provider: a reassigned address does not lead to the former owner.
    UNIQUE (connection_id, issuer, user_id)
);
CREATE INDEX sso_identity_user ON sso_identity (user_id, organization_id);

-- Sign-ins that have begun. What they are about is sealed.
CREATE TABLE sso_pending (
    state_digest    BYTEA  NOT NULL PRIMARY KEY,
    browser_digest  BYTEA  NOT NULL,
    organization_id UUID   NOT NULL REFERENCES organization (id),
    connection_id   UUID   NOT NULL REFERENCES sso_connection (id),
    sealed          BYTEA  NOT NULL,
    expires_at      BIGINT NOT NULL
);
CREATE INDEX sso_pending_organization ON sso_pending (organization_id, expires_at);
CREATE INDEX sso_pending_expiry ON sso_pending (expires_at);

-- Finished sign-ins whose token the application has still to fetch.
CREATE TABLE sso_code (
    digest          BYTEA  NOT NULL PRIMARY KEY,
    redirect_uri    TEXT   COLLATE "C" NOT NULL,
    organization_id UUID   NOT NULL REFERENCES organization (id),
    user_id         UUID   NOT NULL REFERENCES user_account (id),
    connection_id   UUID   NOT NULL REFERENCES sso_connection (id),
    issuer          TEXT   NOT NULL,
    subject         TEXT   NOT NULL,
    provider_session TEXT,
    id_token        BYTEA, -- sealed
    expires_at      BIGINT NOT NULL
);
CREATE INDEX sso_code_expiry ON sso_code (expires_at);

-- Which sessions came by which connection.
CREATE TABLE sso_session (
    session_id      UUID   NOT NULL PRIMARY KEY REFERENCES session (id) ON DELETE CASCADE,
    organization_id UUID   NOT NULL REFERENCES organization (id),
    connection_id   UUID   NOT NULL REFERENCES sso_connection (id),
    issuer          TEXT   NOT NULL,
    subject         TEXT   COLLATE "C" NOT NULL,
    provider_session TEXT  COLLATE "C",
    id_token        BYTEA -- sealed
);
CREATE INDEX sso_session_subject ON sso_session (connection_id, subject);

-- The last tries of each connection.
CREATE TABLE sso_attempt (
    id              UUID   NOT NULL PRIMARY KEY,
    connection_id   UUID   NOT NULL REFERENCES sso_connection (id),
    organization_id UUID   NOT NULL REFERENCES organization (id),
    at              BIGINT NOT NULL,
    purpose         TEXT   NOT NULL,
    clause          TEXT,
    detail          TEXT   NOT NULL,
    issuer          TEXT,
    subject         TEXT,
    email           TEXT,
    user_id         UUID,
    address         TEXT,
    report          TEXT
);
CREATE INDEX sso_attempt_connection ON sso_attempt (connection_id, at, id);

-- Logout tokens that were heeded, until they have expired.
CREATE TABLE sso_logout_token (
    connection_id UUID   NOT NULL REFERENCES sso_connection (id),
    digest        BYTEA  NOT NULL,
    forget_after  BIGINT NOT NULL,
    PRIMARY KEY (connection_id, digest)
);
CREATE INDEX sso_logout_token_expiry ON sso_logout_token (forget_after);

-- Since when an organisation's people have to sign in through its provider.
CREATE TABLE sso_enforcement (
    organization_id UUID   NOT NULL PRIMARY KEY REFERENCES organization (id),
    since           BIGINT NOT NULL
);

-- Owners who may sign in by password all the same.
CREATE TABLE sso_break_glass (
    organization_id UUID   NOT NULL,
    user_id         UUID   NOT NULL,
    PRIMARY KEY (organization_id, user_id),
    FOREIGN KEY (organization_id, user_id)
        REFERENCES membership (organization_id, user_id) ON DELETE CASCADE
);
