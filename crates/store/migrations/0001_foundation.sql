-- The first shape of the database. One text for SQLite and PostgreSQL; the rules are at the top of src/lib.rs.
--
-- Ids are canonical UUID text and begin with their time, so that new rows go to the end of every index.
-- `project_id` is a foreign key where nothing nearer vouches for it, and a copy elsewhere: on PostgreSQL each reference
-- locks the row it points at, and every sign-in would lock the same project.

CREATE TABLE installation_fact (
    name TEXT NOT NULL PRIMARY KEY,
    fact TEXT NOT NULL
);

CREATE TABLE project (
    id TEXT NOT NULL PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    policy TEXT NOT NULL,
    disabled_at BIGINT,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);

CREATE TABLE guest_target (
    id TEXT NOT NULL PRIMARY KEY,
    project_id TEXT NOT NULL REFERENCES project (id),
    kind TEXT NOT NULL,
    name TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    UNIQUE (project_id, kind, name)
);

CREATE TABLE application (
    id TEXT NOT NULL PRIMARY KEY,
    project_id TEXT NOT NULL REFERENCES project (id),
    name TEXT NOT NULL,
    settings TEXT NOT NULL,
    disabled_at BIGINT,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);
CREATE INDEX application_in_project ON application (project_id, id);
CREATE INDEX application_by_name ON application (project_id, name, id);

CREATE TABLE application_alias (
    scheme TEXT NOT NULL,
    value TEXT NOT NULL,
    application_id TEXT NOT NULL REFERENCES application (id),
    PRIMARY KEY (scheme, value)
);
CREATE INDEX application_alias_of ON application_alias (application_id);

CREATE TABLE identity (
    id TEXT NOT NULL PRIMARY KEY,
    project_id TEXT NOT NULL REFERENCES project (id),
    application_id TEXT REFERENCES application (id),
    kind TEXT NOT NULL,
    profile TEXT NOT NULL,
    attributes TEXT NOT NULL,
    suspended_at BIGINT,
    locked_at BIGINT,
    erased_at BIGINT,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);
-- By kind, because a few members are looked for among millions of guests.
CREATE INDEX identity_in_project ON identity (project_id, kind, id);

CREATE TABLE identifier (
    project_id TEXT NOT NULL,
    scheme TEXT NOT NULL,
    value TEXT NOT NULL,
    identity_id TEXT NOT NULL REFERENCES identity (id),
    verified_at BIGINT,
    PRIMARY KEY (project_id, scheme, value)
);
CREATE INDEX identifier_of ON identifier (identity_id);

CREATE TABLE credential (
    id TEXT NOT NULL PRIMARY KEY,
    project_id TEXT NOT NULL,
    application_id TEXT REFERENCES application (id),
    identity_id TEXT NOT NULL REFERENCES identity (id),
    kind TEXT NOT NULL,
    label TEXT NOT NULL,
    lookup TEXT UNIQUE,
    password TEXT,
    scopes TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT,
    revoked_at BIGINT
);
CREATE UNIQUE INDEX credential_password ON credential (identity_id) WHERE kind = 'password';
CREATE INDEX credential_of ON credential (identity_id);
CREATE INDEX credential_in_project ON credential (project_id, kind, id);

CREATE TABLE trusted_issuer (
    id TEXT NOT NULL PRIMARY KEY,
    project_id TEXT NOT NULL,
    application_id TEXT NOT NULL REFERENCES application (id),
    profile TEXT NOT NULL,
    secret TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    revoked_at BIGINT,
    -- Revoking changes a key, so that on PostgreSQL it waits for sessions that are being started and refer to the row.
    UNIQUE (id, revoked_at)
);
CREATE INDEX trusted_issuer_of ON trusted_issuer (application_id) WHERE revoked_at IS NULL;

CREATE TABLE membership (
    id TEXT NOT NULL PRIMARY KEY,
    project_id TEXT NOT NULL,
    application_id TEXT NOT NULL REFERENCES application (id),
    identity_id TEXT NOT NULL REFERENCES identity (id),
    role TEXT NOT NULL,
    attributes TEXT NOT NULL,
    disabled_at BIGINT,
    created_by TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    UNIQUE (application_id, identity_id)
);
CREATE INDEX membership_of ON membership (identity_id);

CREATE TABLE invitation (
    id TEXT NOT NULL PRIMARY KEY,
    project_id TEXT NOT NULL,
    application_id TEXT NOT NULL REFERENCES application (id),
    email TEXT NOT NULL,
    role TEXT NOT NULL,
    attributes TEXT NOT NULL,
    created_by TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    UNIQUE (application_id, email)
);
CREATE INDEX invitation_of_address ON invitation (project_id, email);

-- `target_id` is no reference: a guest target may be removed while sessions name it, and clearing the name would widen them.
CREATE TABLE session (
    id TEXT NOT NULL PRIMARY KEY,
    project_id TEXT NOT NULL,
    application_id TEXT REFERENCES application (id),
    confined BIGINT NOT NULL,
    identity_id TEXT NOT NULL REFERENCES identity (id),
    issuer_id TEXT REFERENCES trusted_issuer (id),
    dialect TEXT NOT NULL,
    amr TEXT NOT NULL,
    scopes TEXT NOT NULL,
    target_id TEXT,
    claims TEXT,
    bearer TEXT UNIQUE,
    auth_time BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    revoked_at BIGINT
);
-- Ended ones too: an identity is removed only when no session refers to it.
CREATE INDEX session_of_identity ON session (identity_id, id);
CREATE INDEX session_of_application ON session (application_id, id) WHERE revoked_at IS NULL AND application_id IS NOT NULL;
CREATE INDEX session_of_issuer ON session (issuer_id, id) WHERE revoked_at IS NULL AND issuer_id IS NOT NULL;
CREATE INDEX session_in_project ON session (project_id, id) WHERE revoked_at IS NULL;
CREATE INDEX session_expired ON session (expires_at);
CREATE INDEX session_revoked ON session (revoked_at) WHERE revoked_at IS NOT NULL;

CREATE TABLE throttle (
    name TEXT NOT NULL PRIMARY KEY,
    failures BIGINT NOT NULL,
    last_failure_at BIGINT NOT NULL,
    blocked_until BIGINT
);
CREATE INDEX throttle_forgotten ON throttle (last_failure_at);

CREATE TABLE verification (
    id TEXT NOT NULL PRIMARY KEY,
    project_id TEXT NOT NULL,
    application_id TEXT REFERENCES application (id),
    identity_id TEXT NOT NULL REFERENCES identity (id),
    purpose TEXT NOT NULL,
    scheme TEXT NOT NULL,
    value TEXT NOT NULL,
    digest TEXT NOT NULL UNIQUE,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    closed_at BIGINT
);
CREATE INDEX verification_open ON verification (identity_id, purpose) WHERE closed_at IS NULL;
CREATE INDEX verification_expired ON verification (expires_at);
CREATE INDEX verification_closed ON verification (closed_at) WHERE closed_at IS NOT NULL;

CREATE TABLE signing_key (
    kid TEXT NOT NULL PRIMARY KEY,
    project_id TEXT NOT NULL REFERENCES project (id),
    key_set TEXT NOT NULL,
    alg TEXT NOT NULL,
    private_key TEXT NOT NULL,
    public_key TEXT,
    created_at BIGINT NOT NULL,
    retired_at BIGINT,
    expires_at BIGINT
);
CREATE UNIQUE INDEX signing_key_in_use ON signing_key (project_id, key_set, alg) WHERE retired_at IS NULL;
CREATE INDEX signing_key_in_project ON signing_key (project_id);

CREATE TABLE audit_event (
    id TEXT NOT NULL PRIMARY KEY,
    project_id TEXT NOT NULL REFERENCES project (id),
    happened_at BIGINT NOT NULL,
    actor TEXT NOT NULL,
    action TEXT NOT NULL,
    subject TEXT NOT NULL,
    detail TEXT NOT NULL,
    seq BIGINT,
    hash TEXT
);
CREATE INDEX audit_event_unlinked ON audit_event (project_id, id) WHERE seq IS NULL;
CREATE UNIQUE INDEX audit_event_chain ON audit_event (project_id, seq) WHERE seq IS NOT NULL;

CREATE TABLE audit_head (
    project_id TEXT NOT NULL PRIMARY KEY REFERENCES project (id),
    seq BIGINT NOT NULL,
    hash TEXT NOT NULL
);

-- A node's lease is one row, so that renewing it does not rewrite a row per connection. Presence refers to nothing:
-- sweeping an old session must not wait for the lease of a dead node.
CREATE TABLE presence_node (
    node TEXT NOT NULL PRIMARY KEY,
    lease_until BIGINT NOT NULL
);
CREATE INDEX presence_node_dead ON presence_node (lease_until);

CREATE TABLE presence (
    connection_id TEXT NOT NULL PRIMARY KEY,
    project_id TEXT NOT NULL,
    application_id TEXT,
    session_id TEXT NOT NULL,
    identity_id TEXT NOT NULL,
    dialect TEXT NOT NULL,
    node TEXT NOT NULL,
    opened_at BIGINT NOT NULL
);
CREATE INDEX presence_of_identity ON presence (identity_id);
CREATE INDEX presence_on_node ON presence (node);
