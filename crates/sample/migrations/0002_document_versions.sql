-- What documents are, and whose their text is. A row from before, or of a server from before, has
-- NULL here: a document of type UNKNOWN and origin SOURCE in its first version, which has the
-- document's own id and time, made by nobody known.

ALTER TABLE sample_node ADD COLUMN document_type TEXT;
ALTER TABLE sample_node ADD COLUMN document_origin TEXT
    CHECK (document_origin IN ('SOURCE', 'GENERATED'));
ALTER TABLE sample_node ADD COLUMN exclude_from_qdrant BIGINT NOT NULL DEFAULT 0
    CHECK (exclude_from_qdrant IN (0, 1));

-- The version that the text is now: it counts up with each rewrite, and only the newest is kept.
ALTER TABLE sample_node ADD COLUMN version BIGINT NOT NULL DEFAULT 1;
ALTER TABLE sample_node ADD COLUMN version_id TEXT;
ALTER TABLE sample_node ADD COLUMN version_made_by TEXT;
ALTER TABLE sample_node ADD COLUMN version_created_at BIGINT;
