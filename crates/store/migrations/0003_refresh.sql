-- Refresh tokens, one family per session; only the newest and the one before are known by digest.
CREATE TABLE refresh_family (
    name TEXT NOT NULL PRIMARY KEY,
    session_id TEXT NOT NULL UNIQUE REFERENCES session (id) ON DELETE CASCADE,
    generation BIGINT NOT NULL,
    newest TEXT NOT NULL,
    previous TEXT,
    rotated_at BIGINT NOT NULL,
    answer TEXT
);
