-- Times are microseconds since 1970, digests SHA-256 of 32 bytes. Text compares by its bytes, as
-- it does on SQLite. There is no change table: NOTIFY carries the changes.

-- An id as text, by the name that SQLite has for it, so that one query serves both.
CREATE FUNCTION hex(UUID) RETURNS TEXT
    LANGUAGE SQL IMMUTABLE PARALLEL SAFE
    AS $$ SELECT CAST($1 AS TEXT) $$;

CREATE TABLE user_account (
    id            UUID   NOT NULL PRIMARY KEY,
    email         TEXT   COLLATE "C" NOT NULL UNIQUE,
    first_name    TEXT,
    last_name     TEXT,
    password_hash TEXT,
    created_at    BIGINT NOT NULL,
    suspended_at  BIGINT
);

CREATE TABLE organization (
    id             UUID   NOT NULL PRIMARY KEY,
    name           TEXT   NOT NULL,
    plan           TEXT   COLLATE "C" NOT NULL,
    created_at     BIGINT NOT NULL,
    deactivated_at BIGINT
);

CREATE TABLE membership (
    organization_id UUID   NOT NULL REFERENCES organization (id),
    user_id         UUID   NOT NULL REFERENCES user_account (id),
    role            TEXT   NOT NULL CHECK (role IN ('USER', 'ADMIN', 'OWNER')),
    created_at      BIGINT NOT NULL,
    deactivated_at  BIGINT,
    PRIMARY KEY (organization_id, user_id)
);
CREATE INDEX membership_user ON membership (user_id);

CREATE TABLE user_group (
    id              UUID   NOT NULL PRIMARY KEY,
    organization_id UUID   NOT NULL REFERENCES organization (id),
    name            TEXT   COLLATE "C" NOT NULL,
    created_at      BIGINT NOT NULL,
    UNIQUE (organization_id, name)
);

CREATE TABLE group_member (
    group_id        UUID   NOT NULL REFERENCES user_group (id),
    user_id         UUID   NOT NULL,
    organization_id UUID   NOT NULL,
    created_at      BIGINT NOT NULL,
    PRIMARY KEY (group_id, user_id),
    -- Only a member of the organisation is a member of its groups.
    FOREIGN KEY (organization_id, user_id) REFERENCES membership (organization_id, user_id)
);
CREATE INDEX group_member_user ON group_member (user_id, organization_id);

CREATE TABLE api_key (
    digest          BYTEA   NOT NULL PRIMARY KEY,
    id              UUID    NOT NULL UNIQUE,
    organization_id UUID    NOT NULL REFERENCES organization (id),
    owner_id        UUID    NOT NULL REFERENCES user_account (id),
    name            TEXT    NOT NULL,
    suffix          TEXT    NOT NULL,
    narrowed        BOOLEAN NOT NULL,
    created_at      BIGINT  NOT NULL,
    expires_at      BIGINT,
    last_used_at    BIGINT,
    revoked_at      BIGINT
);
CREATE INDEX api_key_owner ON api_key (organization_id, owner_id);

-- `grant` is a word of SQL.
CREATE TABLE path_grant (
    id              UUID    NOT NULL PRIMARY KEY,
    organization_id UUID    NOT NULL REFERENCES organization (id),
    user_id         UUID    REFERENCES user_account (id),
    group_id        UUID    REFERENCES user_group (id),
    api_key_id      UUID    REFERENCES api_key (id),
    path            TEXT    COLLATE "C" NOT NULL,
    capability      TEXT    NOT NULL
        CHECK (capability IN ('READ_ONLY', 'READ_WRITE', 'READ_WRITE_DELETE')),
    can_approve     BOOLEAN NOT NULL,
    created_at      BIGINT  NOT NULL,
    updated_at      BIGINT  NOT NULL,
    CHECK (num_nonnulls(user_id, group_id, api_key_id) = 1)
);
CREATE INDEX path_grant_user ON path_grant (user_id, organization_id) WHERE user_id IS NOT NULL;
CREATE INDEX path_grant_group ON path_grant (group_id) WHERE group_id IS NOT NULL;
CREATE INDEX path_grant_api_key ON path_grant (api_key_id) WHERE api_key_id IS NOT NULL;
CREATE INDEX path_grant_path ON path_grant (organization_id, path);

CREATE TABLE session (
    id              UUID   NOT NULL PRIMARY KEY,
    user_id         UUID   NOT NULL REFERENCES user_account (id),
    organization_id UUID   NOT NULL REFERENCES organization (id),
    cookie_digest   BYTEA  UNIQUE,
    created_at      BIGINT NOT NULL,
    last_seen_at    BIGINT NOT NULL,
    expires_at      BIGINT NOT NULL,
    ended_at        BIGINT
);
CREATE INDEX session_user_id ON session (user_id);
CREATE INDEX session_expiry ON session (expires_at);

CREATE TABLE token_refresh (
    token_id        TEXT   COLLATE "C" NOT NULL,
    organization_id UUID   NOT NULL REFERENCES organization (id),
    successor_id    TEXT   NOT NULL,
    issued_at       BIGINT NOT NULL,
    expires_at      BIGINT NOT NULL,
    PRIMARY KEY (token_id, organization_id)
);
CREATE INDEX token_refresh_expiry ON token_refresh (expires_at);

CREATE TABLE signing_key (
    id         UUID   NOT NULL PRIMARY KEY,
    sealed     BYTEA  NOT NULL,
    created_at BIGINT NOT NULL,
    retired_at BIGINT
);

-- No foreign keys: the record outlives what it is about.
CREATE TABLE audit_record (
    id              UUID   NOT NULL PRIMARY KEY,
    at              BIGINT NOT NULL,
    organization_id UUID,
    user_id         UUID,
    credential      TEXT,
    address         TEXT,
    request_id      TEXT,
    kind            TEXT   COLLATE "C" NOT NULL,
    subject         TEXT,
    details         TEXT   NOT NULL
);
CREATE INDEX audit_record_organization ON audit_record (organization_id, at);
