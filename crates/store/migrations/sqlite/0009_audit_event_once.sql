-- One record of each event, however often it is written.
CREATE UNIQUE INDEX IF NOT EXISTS audit_record_event ON audit_record (event_id) WHERE event_id IS NOT NULL;
