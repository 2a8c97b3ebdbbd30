-- Changes that are stored here and that the grants have yet to follow, by the ids that their keeper has
-- given them. A row comes with the change, and goes once the grants have followed.
CREATE TABLE sample_outbox (
    id TEXT NOT NULL PRIMARY KEY,
    organization_id TEXT NOT NULL REFERENCES sample_organization (id)
);

CREATE INDEX sample_outbox_of_organization ON sample_outbox (organization_id);
