use ringfence_core::{
    jose::Alg,
    key::{KeySet, SigningKey},
    project::Project,
    seal::Sealed,
};

use crate::support::{NOW, World, at, unique};

on_every_engine!(
    a_key_reads_back,
    a_set_has_one_signing_key_per_algorithm,
    keys_verify_until_they_expire,
    a_key_is_retired_once,
    a_key_is_rewrapped,
);

fn key(project: &Project, set: KeySet) -> SigningKey {
    SigningKey {
        kid: unique(),
        project: project.id,
        set: set.as_str().to_owned(),
        alg: Alg::HS256,
        private: Sealed::stored("sealed".to_owned()),
        public: Some(serde_json::json!({"kty": "OKP", "x": "…"})),
        created_at: NOW,
        retired_at: None,
        expires_at: None,
    }
}

impl World {
    async fn add_key(&self, key: &SigningKey) -> bool {
        let row = key.clone();
        self.write(move |tx| tx.insert_signing_key(&row)).await
    }

    async fn kids(&self, project: &Project, seconds: i64) -> Vec<String> {
        let id = project.id;
        let keys = self.read(move |tx| tx.signing_keys(id, at(seconds))).await;
        keys.into_iter().map(|key| key.kid).collect()
    }
}

async fn a_key_reads_back(w: World) {
    let row = key(&w.project().await, KeySet::Published);
    assert!(w.add_key(&row).await);
    let kid = row.kid.clone();
    let found = w.read(move |tx| tx.signing_key(&kid)).await.unwrap();
    // `SigningKey` does not compare, because it holds a secret.
    assert_eq!(format!("{found:?}"), format!("{row:?}"));
    assert!(w.read(|tx| tx.signing_key("' OR 1=1--")).await.is_none());
    assert!(w.read(|tx| tx.signing_key("a\0b")).await.is_none());
}

async fn a_set_has_one_signing_key_per_algorithm(w: World) {
    let project = w.project().await;
    let (first, second) = (key(&project, KeySet::Private), key(&project, KeySet::Private));
    assert!(w.add_key(&first).await);
    assert!(!w.add_key(&second).await);
    assert!(w.add_key(&key(&project, KeySet::Shared("turn"))).await, "another set");
    assert!(w.add_key(&key(&w.project().await, KeySet::Private)).await, "another project");
    let kid = first.kid.clone();
    assert!(w.write(move |tx| tx.retire_signing_key(&kid, at(1), at(9))).await);
    assert!(w.add_key(&second).await);
}

async fn keys_verify_until_they_expire(w: World) {
    let project = w.project().await;
    let (old, mut new) = (key(&project, KeySet::Private), key(&project, KeySet::Private));
    new.created_at = at(1);
    let (kid, id) = (old.kid.clone(), project.id);
    assert!(w.add_key(&old).await);
    w.write(move |tx| tx.retire_signing_key(&kid, at(1), at(9))).await;
    assert!(w.add_key(&new).await);
    assert_eq!(w.kids(&project, 8).await, [new.kid.clone(), old.kid.clone()]);
    assert_eq!(w.kids(&project, 9).await, [new.kid.clone()]);
    let all = w.read(move |tx| tx.all_signing_keys(at(8))).await;
    let mut kids = [old.kid, new.kid];
    kids.sort();
    assert_eq!(all.iter().map(|key| &key.kid).collect::<Vec<_>>(), kids.iter().collect::<Vec<_>>());
    assert!(all.iter().all(|key| key.project == id));
}

async fn a_key_is_retired_once(w: World) {
    let row = key(&w.project().await, KeySet::Private);
    assert!(w.add_key(&row).await);
    let (a, b, c) = (row.kid.clone(), row.kid.clone(), row.kid);
    assert!(w.write(move |tx| tx.retire_signing_key(&a, at(1), at(2))).await);
    assert!(!w.write(move |tx| tx.retire_signing_key(&b, at(3), at(4))).await);
    let found = w.read(move |tx| tx.signing_key(&c)).await.unwrap();
    assert_eq!((found.retired_at, found.expires_at), (Some(at(1)), Some(at(2))));
}

async fn a_key_is_rewrapped(w: World) {
    let row = key(&w.project().await, KeySet::Private);
    assert!(w.add_key(&row).await);
    let (a, b) = (row.kid.clone(), row.kid);
    w.write(move |tx| tx.rewrap_signing_key(&a, &Sealed::stored("again".to_owned()))).await;
    assert_eq!(w.read(move |tx| tx.signing_key(&b)).await.unwrap().private.as_str(), "again");
}
