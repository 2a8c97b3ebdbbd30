-- The changes that other processes must hear of. Ids of transactions are in no order of commits, so a
-- reader takes those again that began after the oldest one that was open when it last looked.
CREATE TABLE change (
    seq            BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    fact           TEXT   COLLATE "C" NOT NULL,
    transaction_id BIGINT NOT NULL DEFAULT CAST(CAST(pg_current_xact_id() AS TEXT) AS BIGINT),
    at             BIGINT NOT NULL
        DEFAULT CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000000 AS BIGINT)
);
CREATE INDEX change_transaction ON change (transaction_id);
CREATE INDEX change_at ON change (at);
