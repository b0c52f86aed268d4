//! What a project says of the providers it trusts. Secrets in it are sealed before they are stored.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::{
    entropy::Entropy,
    error::{AuthError, Rule},
    ids::ProjectId,
    seal::{Sealed, Sealer},
};

/// How the names of members end whose values are secret.
const SECRET: &str = "secret";
/// The only member of what stands in the place of a sealed secret.
const SEALED: &str = "sealed";

/// Settings by provider: as an operator gives them, or with sealed secrets as the store keeps them.
#[derive(Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ProviderSettings(Map<String, Value>);

impl ProviderSettings {
    /// Names a provider.
    pub fn insert(&mut self, name: String, settings: Value) {
        self.0.insert(name, settings);
    }

    /// What is said of a provider.
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.0.get(name)
    }

    /// What is said of one provider and of no other.
    #[must_use]
    pub fn only(&self, name: &str) -> Option<Self> {
        let said = self.0.get(name)?;
        Some(Self(Map::from_iter([(name.to_owned(), said.clone())])))
    }

    /// Each provider with what is said of it.
    pub fn iter_mut(&mut self) -> impl Iterator<Item = (&String, &mut Value)> {
        self.0.iter_mut()
    }

    /// Whether no provider is trusted.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The same with every secret sealed for its place in `project`.
    pub fn sealed(mut self, project: ProjectId, sealer: &Sealer, entropy: &dyn Entropy) -> Result<Self, AuthError> {
        self.change_secrets(project, |secret, place| match secret {
            Value::String(clear) => Ok(seal(sealer, clear.as_bytes(), place, entropy)),
            _ => Err(AuthError::invalid("federation", Rule::Malformed)),
        })?;
        Ok(self)
    }

    /// The same as it was given.
    pub fn opened(mut self, project: ProjectId, sealer: &Sealer) -> Result<Self, AuthError> {
        self.change_secrets(project, |secret, place| {
            let clear = sealer.open(&blob(secret)?, place)?;
            Ok(String::from_utf8(clear.to_vec()).map_err(AuthError::internal)?.into())
        })?;
        Ok(self)
    }

    /// The same, sealed with the current key; and how many secrets that were.
    pub fn rewrapped(
        mut self,
        project: ProjectId,
        sealer: &Sealer,
        entropy: &dyn Entropy,
    ) -> Result<(Self, usize), AuthError> {
        let mut count = 0;
        self.change_secrets(project, |secret, place| {
            count += 1;
            let clear = sealer.open(&blob(secret)?, place)?;
            Ok(seal(sealer, &clear, place, entropy))
        })?;
        Ok((self, count))
    }

    fn change_secrets(
        &mut self,
        project: ProjectId,
        mut change: impl FnMut(&Value, &str) -> Result<Value, AuthError>,
    ) -> Result<(), AuthError> {
        for (provider, settings) in &mut self.0 {
            let members = settings.as_object_mut().into_iter().flatten();
            for (name, value) in members.filter(|(name, _)| name.ends_with(SECRET)) {
                *value = change(value, &format!("project:{project}:federation:{provider}:{name}"))?;
            }
        }
        Ok(())
    }
}

/// Names only: what is said of a provider may hold a secret in the clear.
impl fmt::Debug for ProviderSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ProviderSettings")?;
        f.debug_set().entries(self.0.keys()).finish()
    }
}

fn seal(sealer: &Sealer, clear: &[u8], place: &str, entropy: &dyn Entropy) -> Value {
    let blob = sealer.seal(clear, place, entropy);
    Value::Object(Map::from_iter([(SEALED.to_owned(), blob.as_str().into())]))
}

fn blob(secret: &Value) -> Result<Sealed, AuthError> {
    let text = secret.get(SEALED).and_then(Value::as_str);
    Ok(Sealed::stored(text.ok_or_else(|| AuthError::internal("a provider's secret is not sealed"))?.to_owned()))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::{entropy::OsEntropy, seal::KeyRing, testing::SeededEntropy, time::Timestamp};

    fn given() -> ProviderSettings {
        let mut given = ProviderSettings::default();
        given.insert("facebook".to_owned(), json!({ "app_id": "1", "app_secret": "hush" }));
        given
    }

    fn project(seed: u64) -> ProjectId {
        ProjectId::mint(Timestamp::default(), SeededEntropy::new(seed).as_ref())
    }

    #[test]
    fn secrets_are_sealed_for_their_place_and_nothing_else_is() {
        let sealer = Sealer::new(&KeyRing::generate(&OsEntropy));
        let kept = given().sealed(project(1), &sealer, &OsEntropy).unwrap();
        let text = serde_json::to_string(&kept).unwrap();
        assert!(text.contains(r#""app_id":"1""#) && !text.contains("hush"), "{text}");
        assert_eq!(kept.clone().opened(project(1), &sealer).unwrap(), given());
        assert!(kept.opened(project(2), &sealer).is_err());
    }

    #[test]
    fn a_rewrap_lets_older_keys_go() {
        let ring = KeyRing::generate(&OsEntropy);
        let old = Sealer::new(&ring);
        let both = Sealer::new(&ring.rotated(&OsEntropy));
        let sealed = given().sealed(project(1), &old, &OsEntropy).unwrap();
        let (again, count) = sealed.rewrapped(project(1), &both, &OsEntropy).unwrap();
        assert_eq!((again.clone().opened(project(1), &both).unwrap(), count), (given(), 1));
        assert!(again.opened(project(1), &old).is_err());
    }

    #[test]
    fn nobody_passes_a_blob_or_a_number_off_as_a_secret() {
        let sealer = Sealer::new(&KeyRing::generate(&OsEntropy));
        for value in [json!({ "sealed": "v1.x.y" }), json!(7)] {
            let mut given = ProviderSettings::default();
            given.insert("oidc".to_owned(), json!({ "client_secret": value }));
            assert!(given.sealed(project(1), &sealer, &OsEntropy).is_err());
        }
    }

    #[test]
    fn settings_do_not_print() {
        assert_eq!(format!("{:?}", given()), r#"ProviderSettings{"facebook"}"#);
    }
}
