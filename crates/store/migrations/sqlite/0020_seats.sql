-- The members who take a seat, which are counted up to the number of seats.
CREATE INDEX IF NOT EXISTS membership_active
    ON membership (organization_id, deactivated_at) WHERE deactivated_at IS NULL;
