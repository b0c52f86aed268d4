-- Answers of requests that carried an Idempotency-Key, sealed; kept for a day.
CREATE TABLE idempotency (
    name TEXT NOT NULL PRIMARY KEY,
    request TEXT NOT NULL,
    answer TEXT,
    created_at BIGINT NOT NULL
);
CREATE INDEX idempotency_by_age ON idempotency (created_at);
