-- Connections whose resume tickets are used up; a row is kept until none of them counts by itself.
CREATE TABLE resumed_connection (
    connection_id TEXT NOT NULL PRIMARY KEY,
    session_id TEXT NOT NULL REFERENCES session (id) ON DELETE CASCADE,
    kept_until BIGINT NOT NULL
);
CREATE INDEX resumed_connection_session ON resumed_connection (session_id);
CREATE INDEX resumed_connection_kept ON resumed_connection (kept_until);
