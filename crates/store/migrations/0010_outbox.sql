-- What other servers are told: security events, written in the transaction of what they tell of.
--
-- `place` is their order for readers. It is given after the commit, in one row's turn (`outbox_mark`, 'placed'), so that a place
-- never appears below one that was read already. A row stays as long as a token could live that it speaks of; the mark of a
-- project is the last place that was removed.
CREATE TABLE outbox (
    id TEXT NOT NULL PRIMARY KEY,
    project_id TEXT NOT NULL,
    kind TEXT NOT NULL,
    session_id TEXT,
    identity_id TEXT NOT NULL,
    detail TEXT NOT NULL,
    occurred_at BIGINT NOT NULL,
    stored_at BIGINT NOT NULL,
    place BIGINT
);
CREATE INDEX outbox_in_project ON outbox (project_id, place);
CREATE INDEX outbox_by_age ON outbox (stored_at);
CREATE INDEX outbox_unplaced ON outbox (id) WHERE place IS NULL;

CREATE TABLE outbox_mark (
    name TEXT NOT NULL PRIMARY KEY,
    place BIGINT NOT NULL
);
INSERT INTO outbox_mark (name, place) VALUES ('placed', 0);

-- Servers that are told by a request of ours. `told_to` is the last place that deliveries were made of; after a failure nothing
-- is sent before `paused_until`.
CREATE TABLE webhook (
    id TEXT NOT NULL PRIMARY KEY,
    project_id TEXT NOT NULL REFERENCES project (id),
    url TEXT NOT NULL,
    kinds TEXT NOT NULL,
    secret TEXT NOT NULL,
    told_to BIGINT NOT NULL,
    paused_until BIGINT NOT NULL,
    disabled_at BIGINT,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);
CREATE INDEX webhook_in_project ON webhook (project_id, id);

-- One event for one webhook. Pending while `ended_at` is absent; then delivered, or dead when `failure` is set.
CREATE TABLE webhook_delivery (
    webhook_id TEXT NOT NULL REFERENCES webhook (id) ON DELETE CASCADE,
    event_id TEXT NOT NULL,
    attempts BIGINT NOT NULL,
    due_at BIGINT NOT NULL,
    status BIGINT,
    failure TEXT,
    ended_at BIGINT,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (webhook_id, event_id)
);
CREATE INDEX webhook_delivery_due ON webhook_delivery (due_at) WHERE ended_at IS NULL;
CREATE INDEX webhook_delivery_by_age ON webhook_delivery (created_at);
