-- What a record was to be called when it happened, where it is written later under an id that comes
-- last. Unique, so that a batch that is tried again is written once.
ALTER TABLE audit_record ADD COLUMN event_id UUID;
