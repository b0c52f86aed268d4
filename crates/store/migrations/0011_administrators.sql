-- Administrators of the installation, their factors, the sessions of their console.
--
-- `token`, `secret`, `challenge` and `code` are digests, `totp_seed` and `pending_totp` are sealed, `public_key` is public.

CREATE TABLE administrator (
    id TEXT NOT NULL PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    role TEXT NOT NULL,
    password TEXT,
    totp_seed TEXT,
    totp_used_step BIGINT,
    version BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    signed_in_at BIGINT
);

CREATE TABLE administrator_recovery (
    administrator_id TEXT NOT NULL REFERENCES administrator (id) ON DELETE CASCADE,
    code TEXT NOT NULL,
    PRIMARY KEY (administrator_id, code)
);

CREATE TABLE passkey (
    id TEXT NOT NULL PRIMARY KEY,
    administrator_id TEXT NOT NULL REFERENCES administrator (id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    credential TEXT NOT NULL UNIQUE,
    public_key TEXT NOT NULL,
    alg BIGINT NOT NULL,
    sign_count BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    used_at BIGINT
);
CREATE INDEX passkey_of ON passkey (administrator_id, id);

CREATE TABLE console_session (
    id TEXT NOT NULL PRIMARY KEY,
    token TEXT NOT NULL UNIQUE,
    administrator_id TEXT NOT NULL REFERENCES administrator (id) ON DELETE CASCADE,
    stage TEXT NOT NULL,
    amr TEXT NOT NULL,
    pending_totp TEXT,
    began_at BIGINT NOT NULL,
    seen_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL
);
CREATE INDEX console_session_of ON console_session (administrator_id, id);
CREATE INDEX console_session_ended ON console_session (expires_at);

CREATE TABLE console_link (
    secret TEXT NOT NULL PRIMARY KEY,
    administrator_id TEXT REFERENCES administrator (id) ON DELETE CASCADE,
    expires_at BIGINT NOT NULL
);
CREATE INDEX console_link_of ON console_link (administrator_id);

-- Challenges that were answered, so that none is twice.
CREATE TABLE passkey_challenge (
    challenge TEXT NOT NULL PRIMARY KEY,
    expires_at BIGINT NOT NULL
);
CREATE INDEX passkey_challenge_ended ON passkey_challenge (expires_at);

-- What the console lists: who has to wait.
CREATE INDEX throttle_blocked ON throttle (blocked_until);
