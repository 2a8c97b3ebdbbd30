-- Text is sorted by its bytes, as on SQLite, whatever the database's own order is. The rows stay as
-- they are; the indexes of these columns are built anew.
ALTER TABLE sample_node ALTER COLUMN name TYPE TEXT COLLATE "C",
    ALTER COLUMN path TYPE TEXT COLLATE "C";
ALTER TABLE sample_agent_usage ALTER COLUMN month TYPE TEXT COLLATE "C";
