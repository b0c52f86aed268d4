-- SIP domains and their users: a domain is a group of endpoints with a realm, a user an endpoint with digests.
--
-- `digests` is sealed. The columns that begin with `clear_` hold the same for SIP servers that read the database, and are NULL
-- unless the project asked for it. `ha1b_lookup` is a keyed hash.

CREATE TABLE sip_domain (
    group_id TEXT NOT NULL PRIMARY KEY REFERENCES endpoint_group (id) ON DELETE CASCADE,
    project_id TEXT NOT NULL,
    name TEXT NOT NULL UNIQUE,
    application_id TEXT REFERENCES application (id),
    created_by TEXT
);
CREATE INDEX sip_domain_in_project ON sip_domain (project_id, group_id);

CREATE TABLE sip_user (
    identity_id TEXT NOT NULL PRIMARY KEY REFERENCES endpoint (identity_id) ON DELETE CASCADE,
    group_id TEXT NOT NULL REFERENCES sip_domain (group_id),
    project_id TEXT NOT NULL,
    login TEXT NOT NULL,
    same_domain_calls_only BIGINT NOT NULL,
    digests TEXT NOT NULL,
    ha1b_lookup TEXT NOT NULL,
    clear_ha1 TEXT,
    clear_ha1b TEXT,
    clear_ha1_sha256 TEXT,
    clear_ha1b_sha256 TEXT,
    clear_ha1_sha512_256 TEXT,
    clear_ha1b_sha512_256 TEXT
);
CREATE UNIQUE INDEX sip_user_in_domain ON sip_user (group_id, login);
CREATE INDEX sip_user_in_project ON sip_user (project_id, identity_id);
CREATE INDEX sip_user_by_ha1b ON sip_user (ha1b_lookup);

CREATE TABLE sip_invitation (
    id TEXT NOT NULL PRIMARY KEY,
    group_id TEXT NOT NULL REFERENCES sip_domain (group_id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    digest TEXT NOT NULL UNIQUE,
    created_by TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL
);
CREATE INDEX sip_invitation_in_domain ON sip_invitation (group_id, id);
