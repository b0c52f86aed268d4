//! What other servers read: views for SIP servers and relays, and the relays' own table of secrets. PostgreSQL only.
//!
//! The views show users whose digests their project keeps readable, as long as nothing shuts them out; a role for each may read
//! it and nothing else. This is not the portable subset: the time is asked of the database, which SIP servers have no other of.

use std::fmt;

use crate::{OpenError, postgres, sql::backend};

/// A name that needs no quotes in SQL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SqlName(String);

impl SqlName {
    /// Lower-case letters, digits and `_`, not beginning with a digit; anything else is none.
    pub fn parse(text: &str) -> Option<Self> {
        let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
        let begins = text.starts_with(|first: char| first.is_ascii_lowercase() || first == '_');
        (begins && text.len() <= 63 && text.bytes().all(plain)).then(|| Self(text.to_owned()))
    }
}

impl fmt::Display for SqlName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A table, with or without its schema.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SqlTable(Vec<SqlName>);

impl SqlTable {
    /// `table` or `schema.table`, of names that need no quotes.
    pub fn parse(text: &str) -> Option<Self> {
        let names = text.split('.').map(SqlName::parse).collect::<Option<Vec<_>>>()?;
        (names.len() <= 2).then_some(Self(names))
    }
}

impl fmt::Display for SqlTable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.0.iter().map(|name| name.0.as_str()).collect();
        f.write_str(&names.join("."))
    }
}

/// Where the views lie and who reads them.
#[derive(Clone, Debug)]
pub struct Feed {
    /// The schema of the views.
    pub schema: SqlName,
    /// The role of Kamailio.
    pub kamailio: SqlName,
    /// The role of coturn.
    pub coturn: SqlName,
}

/// Who is shown: the same that the gate lets in (`admit`), said in SQL.
const LIVE: &str = "
    FROM {tables}.sip_user AS u
    JOIN {tables}.sip_domain AS d ON d.group_id = u.group_id
    JOIN {tables}.endpoint_group AS g ON g.id = u.group_id
    JOIN {tables}.endpoint AS e ON e.identity_id = u.identity_id
    JOIN {tables}.identity AS i ON i.id = u.identity_id
    JOIN {tables}.project AS p ON p.id = u.project_id
    LEFT JOIN {tables}.application AS a ON a.id = d.application_id
    WHERE u.clear_ha1 IS NOT NULL
      AND p.disabled_at IS NULL AND a.disabled_at IS NULL AND g.disabled_at IS NULL
      AND i.suspended_at IS NULL AND i.locked_at IS NULL AND i.erased_at IS NULL
      AND (e.expires_at IS NULL OR e.expires_at > extract(epoch FROM now()) * 1000)";

impl Feed {
    /// The statements that make views and roles, to be run by an owner of the tables, which lie in the schema `tables`. They
    /// may be run again. The roles cannot log in until they are given a password.
    pub fn sql(&self, tables: &SqlName) -> String {
        let Self { schema, kamailio, coturn } = self;
        let live = LIVE.replace("{tables}", &tables.0);
        let role = |name: &SqlName| {
            format!(
                "DO $$ BEGIN CREATE ROLE {name} NOLOGIN; EXCEPTION WHEN duplicate_object THEN NULL; END $$;\n\
                 GRANT USAGE ON SCHEMA {schema} TO {name};\n\
                 DO $$ BEGIN\n    \
                 EXECUTE format('ALTER ROLE {name} IN DATABASE %I SET search_path = {schema}', current_database());\n    \
                 EXECUTE format('ALTER ROLE {name} IN DATABASE %I SET default_transaction_read_only = on', \
                 current_database());\nEND $$;\n"
            )
        };
        let rest = [
            "turn_secret",
            "oauth_key",
            "turn_realm_option",
            "turn_origin_to_realm",
            "allowed_peer_ip",
            "denied_peer_ip",
        ];
        let rest: Vec<_> = rest.iter().map(|table| format!("{schema}.{table}")).collect();
        let tables_of_coturn = COTURN_TABLES.map(|table| table.replace("{schema}", &schema.0)).concat();
        [
            format!("CREATE SCHEMA IF NOT EXISTS {schema};\nREVOKE ALL ON SCHEMA {schema} FROM PUBLIC;\n\n"),
            format!(
                "-- For auth_db of Kamailio: `password` stays empty, and the columns of SHA-256 are for its `algorithm`.\n\
                 CREATE OR REPLACE VIEW {schema}.subscriber AS\n    \
                 SELECT u.login AS username, d.name AS domain, '' AS password, u.clear_ha1 AS ha1, u.clear_ha1b AS ha1b,\n        \
                 u.clear_ha1_sha256 AS ha1_sha256, u.clear_ha1b_sha256 AS ha1b_sha256{live};\n\n"
            ),
            format!(
                "-- For lt-cred-mech of coturn, whose key is the HA1 of MD5; by login and by whole address.\n\
                 CREATE OR REPLACE VIEW {schema}.turnusers_lt AS\n    \
                 SELECT d.name AS realm, u.login AS name, u.clear_ha1 AS hmackey{live}\n    UNION ALL\n    \
                 SELECT d.name, u.login || '@' || d.name, u.clear_ha1b{live};\n\n"
            ),
            role(kamailio),
            format!("GRANT SELECT ON {schema}.subscriber TO {kamailio};\n\n"),
            format!("-- What else coturn looks at; it wants them to be there.\n{tables_of_coturn}\n"),
            role(coturn),
            format!("GRANT SELECT ON {schema}.turnusers_lt, {} TO {coturn};\n", rest.join(", ")),
        ]
        .concat()
    }
}

/// From coturn's `schema.sql` of version 4.6, but for the table of users, whose place a view takes.
const COTURN_TABLES: [&str; 6] = [
    "CREATE TABLE IF NOT EXISTS {schema}.turn_secret (realm varchar(127) DEFAULT '', value varchar(256), \
     PRIMARY KEY (realm, value));\n",
    "CREATE TABLE IF NOT EXISTS {schema}.oauth_key (kid varchar(128) PRIMARY KEY, ikm_key varchar(256), \
     timestamp bigint DEFAULT 0, lifetime integer DEFAULT 0, as_rs_alg varchar(64) DEFAULT '', \
     realm varchar(127) DEFAULT '');\n",
    "CREATE TABLE IF NOT EXISTS {schema}.turn_realm_option (realm varchar(127) DEFAULT '', opt varchar(32), \
     value varchar(128), PRIMARY KEY (realm, opt));\n",
    "CREATE TABLE IF NOT EXISTS {schema}.turn_origin_to_realm (origin varchar(127) PRIMARY KEY, \
     realm varchar(127));\n",
    "CREATE TABLE IF NOT EXISTS {schema}.allowed_peer_ip (realm varchar(127) DEFAULT '', ip_range varchar(256), \
     PRIMARY KEY (realm, ip_range));\n",
    "CREATE TABLE IF NOT EXISTS {schema}.denied_peer_ip (realm varchar(127) DEFAULT '', ip_range varchar(256), \
     PRIMARY KEY (realm, ip_range));\n",
];

/// Makes views and roles in the database at `url`, where our tables are.
pub fn install(url: &str, feed: &Feed) -> Result<(), OpenError> {
    let tables = postgres::with_client(url, async |client| {
        client.query_one("SELECT current_schema()::text", &[]).await?.try_get::<_, Option<String>>(0)
    })?;
    let tables = tables.as_deref().and_then(SqlName::parse).ok_or_else(|| backend("the schema's name needs quotes"))?;
    let sql = format!("BEGIN;\n{}COMMIT;", feed.sql(&tables));
    postgres::with_client(url, async |client| client.batch_execute(&sql).await)
}

/// Has the relays' table of secrets in the database at `url` hold exactly `secrets` for `realm`.
pub fn put_turn_secrets(url: &str, table: &SqlTable, realm: &str, secrets: &[&str]) -> Result<(), OpenError> {
    postgres::with_client(url, async |client| {
        let transaction = client.transaction().await?;
        let insert = format!("INSERT INTO {table} (realm, value) VALUES ($1, $2) ON CONFLICT DO NOTHING");
        for secret in secrets {
            transaction.execute(&insert, &[&realm, secret]).await?;
        }
        let delete = format!("DELETE FROM {table} WHERE realm = $1 AND value <> ALL ($2)");
        transaction.execute(&delete, &[&realm, &secrets]).await?;
        transaction.commit().await
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_would_need_quotes_are_none() {
        for bad in ["", "1a", "A", "a b", "a;b", "a\"b", "a.b", "é"] {
            assert_eq!(SqlName::parse(bad), None, "{bad}");
        }
        assert_eq!(SqlTable::parse("rtc.turn_secret").unwrap().to_string(), "rtc.turn_secret");
        assert_eq!(SqlTable::parse("turn_secret").unwrap().to_string(), "turn_secret");
        assert_eq!(SqlTable::parse("a.b.c"), None);
    }
}
