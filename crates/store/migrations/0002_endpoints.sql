-- Endpoints: devices and SIP accounts, in groups.
--
-- An endpoint is an identity of kind 'endpoint' and a row here; its user name is also its identifier of the scheme 'sip', which
-- is what makes it unique. The account of a group is one of its endpoints.

CREATE TABLE endpoint_group (
    id TEXT NOT NULL PRIMARY KEY,
    number BIGINT NOT NULL UNIQUE,
    project_id TEXT NOT NULL REFERENCES project (id),
    account_id TEXT NOT NULL UNIQUE REFERENCES identity (id),
    name TEXT NOT NULL,
    name_folded TEXT NOT NULL,
    name_order TEXT NOT NULL,
    attributes TEXT NOT NULL,
    outbound_profile TEXT,
    disabled_at BIGINT,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);
CREATE INDEX endpoint_group_in_project ON endpoint_group (project_id, id);

CREATE TABLE endpoint (
    identity_id TEXT NOT NULL PRIMARY KEY REFERENCES identity (id),
    project_id TEXT NOT NULL,
    group_id TEXT NOT NULL REFERENCES endpoint_group (id),
    user_name TEXT NOT NULL,
    secret TEXT NOT NULL,
    name TEXT NOT NULL,
    tag TEXT,
    expires_at BIGINT,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);
CREATE INDEX endpoint_in_project ON endpoint (project_id, identity_id);
CREATE INDEX endpoint_in_group ON endpoint (group_id, identity_id);
CREATE INDEX endpoint_by_user_name ON endpoint (user_name);
CREATE INDEX endpoint_by_tag ON endpoint (tag) WHERE tag IS NOT NULL;
