-- A camera's smaller stream of the same view, for the analysis and the wall; the main stream is the record.

ALTER TABLE cameras ADD COLUMN sub_source_url TEXT; -- same host, user name and password as source_url; never with user information
