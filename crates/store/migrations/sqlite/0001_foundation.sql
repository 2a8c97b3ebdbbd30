-- Ids are UUIDs of 16 bytes, times microseconds since 1970, digests SHA-256 of 32 bytes.

CREATE TABLE user_account (
    id            BLOB    NOT NULL PRIMARY KEY,
    email         TEXT    NOT NULL UNIQUE,
    first_name    TEXT,
    last_name     TEXT,
    password_hash TEXT,
    created_at    INTEGER NOT NULL,
    suspended_at  INTEGER
) STRICT, WITHOUT ROWID;

CREATE TABLE organization (
    id             BLOB    NOT NULL PRIMARY KEY,
    name           TEXT    NOT NULL,
    plan           TEXT    NOT NULL,
    created_at     INTEGER NOT NULL,
    deactivated_at INTEGER
) STRICT, WITHOUT ROWID;

CREATE TABLE membership (
    organization_id BLOB    NOT NULL REFERENCES organization (id),
    user_id         BLOB    NOT NULL REFERENCES user_account (id),
    role            TEXT    NOT NULL CHECK (role IN ('USER', 'ADMIN', 'OWNER')),
    created_at      INTEGER NOT NULL,
    deactivated_at  INTEGER,
    PRIMARY KEY (organization_id, user_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX membership_user ON membership (user_id);

CREATE TABLE user_group (
    id              BLOB    NOT NULL PRIMARY KEY,
    organization_id BLOB    NOT NULL REFERENCES organization (id),
    name            TEXT    NOT NULL,
    created_at      INTEGER NOT NULL,
    UNIQUE (organization_id, name)
) STRICT, WITHOUT ROWID;

CREATE TABLE group_member (
    group_id        BLOB    NOT NULL REFERENCES user_group (id),
    user_id         BLOB    NOT NULL,
    organization_id BLOB    NOT NULL,
    created_at      INTEGER NOT NULL,
    PRIMARY KEY (group_id, user_id),
    -- Only a member of the organisation is a member of its groups.
    FOREIGN KEY (organization_id, user_id) REFERENCES membership (organization_id, user_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX group_member_user ON group_member (user_id, organization_id);

-- Keyed by what it is looked up by: the row lies where the digest leads, with no second step.
CREATE TABLE api_key (
    digest          BLOB    NOT NULL PRIMARY KEY,
    id              BLOB    NOT NULL UNIQUE,
    organization_id BLOB    NOT NULL REFERENCES organization (id),
    owner_id        BLOB    NOT NULL REFERENCES user_account (id),
    name            TEXT    NOT NULL,
    suffix          TEXT    NOT NULL,
    narrowed        INTEGER NOT NULL CHECK (narrowed IN (0, 1)),
    created_at      INTEGER NOT NULL,
    expires_at      INTEGER,
    last_used_at    INTEGER,
    revoked_at      INTEGER
) STRICT, WITHOUT ROWID;
CREATE INDEX api_key_owner ON api_key (organization_id, owner_id);

-- `grant` is a word of SQL.
CREATE TABLE path_grant (
    id              BLOB    NOT NULL PRIMARY KEY,
    organization_id BLOB    NOT NULL REFERENCES organization (id),
    user_id         BLOB    REFERENCES user_account (id),
    group_id        BLOB    REFERENCES user_group (id),
    api_key_id      BLOB    REFERENCES api_key (id),
    path            TEXT    NOT NULL,
    capability      TEXT    NOT NULL
        CHECK (capability IN ('READ_ONLY', 'READ_WRITE', 'READ_WRITE_DELETE')),
    can_approve     INTEGER NOT NULL CHECK (can_approve IN (0, 1)),
    created_at      INTEGER NOT NULL,
    updated_at      INTEGER NOT NULL,
    CHECK ((user_id IS NOT NULL) + (group_id IS NOT NULL) + (api_key_id IS NOT NULL) = 1)
) STRICT, WITHOUT ROWID;
CREATE INDEX path_grant_user ON path_grant (user_id, organization_id) WHERE user_id IS NOT NULL;
CREATE INDEX path_grant_group ON path_grant (group_id) WHERE group_id IS NOT NULL;
CREATE INDEX path_grant_api_key ON path_grant (api_key_id) WHERE api_key_id IS NOT NULL;
CREATE INDEX path_grant_path ON path_grant (organization_id, path);

CREATE TABLE session (
    id              BLOB    NOT NULL PRIMARY KEY,
    user_id         BLOB    NOT NULL REFERENCES user_account (id),
    organization_id BLOB    NOT NULL REFERENCES organization (id),
    cookie_digest   BLOB    UNIQUE,
    created_at      INTEGER NOT NULL,
    last_seen_at    INTEGER NOT NULL,
    expires_at      INTEGER NOT NULL,
    ended_at        INTEGER
) STRICT, WITHOUT ROWID;
CREATE INDEX session_user_id ON session (user_id);
CREATE INDEX session_expiry ON session (expires_at);

CREATE TABLE token_refresh (
    token_id        TEXT    NOT NULL,
    organization_id BLOB    NOT NULL REFERENCES organization (id),
    successor_id    TEXT    NOT NULL,
    issued_at       INTEGER NOT NULL,
    expires_at      INTEGER NOT NULL,
    PRIMARY KEY (token_id, organization_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX token_refresh_expiry ON token_refresh (expires_at);

CREATE TABLE signing_key (
    id         BLOB    NOT NULL PRIMARY KEY,
    sealed     BLOB    NOT NULL,
    created_at INTEGER NOT NULL,
    retired_at INTEGER
) STRICT, WITHOUT ROWID;

-- No foreign keys: the record outlives what it is about.
CREATE TABLE audit_record (
    id              BLOB    NOT NULL PRIMARY KEY,
    at              INTEGER NOT NULL,
    organization_id BLOB,
    user_id         BLOB,
    credential      TEXT,
    address         TEXT,
    request_id      TEXT,
    kind            TEXT    NOT NULL,
    subject         TEXT,
    details         TEXT    NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX audit_record_organization ON audit_record (organization_id, at);

-- What other processes read when the file has moved. AUTOINCREMENT, so that no number comes twice.
CREATE TABLE change (
    seq  INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    fact TEXT    NOT NULL
) STRICT;
