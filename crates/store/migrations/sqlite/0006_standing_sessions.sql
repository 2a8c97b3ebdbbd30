-- For the sessions that a user has now, however many there were.
CREATE INDEX session_standing ON session (user_id) WHERE ended_at IS NULL;
