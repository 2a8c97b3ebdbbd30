-- A random number that tells a change from the one of the same sequence in another history: a database
-- that was restored in place begins its sequence again where the copy ended.
ALTER TABLE change ADD COLUMN mark INTEGER;
