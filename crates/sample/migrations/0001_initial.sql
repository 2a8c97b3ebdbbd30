-- The same text serves SQLite and PostgreSQL: ids and times are TEXT and BIGINT, which both have.
-- Every table begins with sample_, so that the tables may stand in a database with others.

-- One row for each organisation seen. Its row lock puts the changes of a tree in a line.
CREATE TABLE sample_organization (
    id TEXT NOT NULL PRIMARY KEY
);

-- Folders and documents share one tree, and one path is one of them.
CREATE TABLE sample_node (
    id TEXT NOT NULL PRIMARY KEY,
    organization_id TEXT NOT NULL REFERENCES sample_organization (id),
    kind TEXT NOT NULL CHECK (kind IN ('FOLDER', 'DOCUMENT')),
    parent_id TEXT REFERENCES sample_node (id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    path TEXT NOT NULL,
    system_managed BIGINT NOT NULL CHECK (system_managed IN (0, 1)),
    content TEXT,
    created_at BIGINT NOT NULL, -- microseconds since 1970, as every time here
    updated_at BIGINT NOT NULL,
    UNIQUE (organization_id, path)
);

CREATE INDEX sample_node_of_organization ON sample_node (organization_id, parent_id, name);

-- For the cascade of a deletion, which looks for children by parent alone.
CREATE INDEX sample_node_of_parent ON sample_node (parent_id);

CREATE TABLE sample_agent_session (
    id TEXT NOT NULL PRIMARY KEY,
    organization_id TEXT NOT NULL REFERENCES sample_organization (id),
    user_id TEXT NOT NULL,
    title TEXT NOT NULL,
    run_id TEXT,
    cancelled BIGINT NOT NULL CHECK (cancelled IN (0, 1)),
    last_event BIGINT NOT NULL, -- the number of the newest event, 0 where there is none
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);

CREATE INDEX sample_agent_session_of_user
    ON sample_agent_session (organization_id, user_id, updated_at);

CREATE TABLE sample_agent_event (
    session_id TEXT NOT NULL REFERENCES sample_agent_session (id) ON DELETE CASCADE,
    number BIGINT NOT NULL, -- from 1, in the order of the transcript
    id TEXT NOT NULL,
    kind TEXT NOT NULL,
    payload TEXT NOT NULL, -- JSON
    occurred_at BIGINT NOT NULL,
    PRIMARY KEY (session_id, number)
);

-- How many messages an organisation has sent in a calendar month (UTC), such as 2027-01.
CREATE TABLE sample_agent_usage (
    organization_id TEXT NOT NULL REFERENCES sample_organization (id),
    month TEXT NOT NULL,
    messages BIGINT NOT NULL,
    PRIMARY KEY (organization_id, month)
);
