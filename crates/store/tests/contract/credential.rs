use ringfence_core::{
    caller::Scope, credential::CredentialKind, entropy::OsEntropy, ids::CredentialId, password::PasswordHash,
};

use crate::{
    fixtures,
    support::{NOW, World, at},
};

on_every_engine!(
    a_credential_reads_back_by_id_and_digest,
    a_digest_is_taken_once,
    credentials_are_paged_by_kind,
    a_credential_is_revoked_once,
    a_password_is_replaced_and_keeps_its_id,
    a_rehash_loses_against_a_change,
    revoking_all_credentials_includes_the_password,
    credentials_of_somebody_are_listed_and_relabelled_until_revoked,
);

fn hash(text: &str) -> PasswordHash {
    PasswordHash::stored(format!("$argon2id${text}"))
}

async fn a_credential_reads_back_by_id_and_digest(w: World) {
    let mut key = fixtures::api_key(&w.member().await);
    key.scopes = [Scope::All, Scope::TokensIssue].into_iter().collect();
    key.expires_at = Some(at(9));
    let (row, id, digest) = (key.clone(), key.id, key.lookup.clone().unwrap());
    assert!(w.write(move |tx| tx.insert_credential(&row)).await);
    assert_eq!(w.read(move |tx| tx.credential(id)).await.as_ref(), Some(&key));
    assert_eq!(w.read(move |tx| tx.credential_by_lookup(&digest)).await, Some(key));
    assert_eq!(w.read(|tx| tx.credential_by_lookup(&fixtures::digest())).await, None);
}

async fn a_digest_is_taken_once(w: World) {
    let ann = w.member().await;
    let (key, mut other) = (fixtures::api_key(&ann), fixtures::api_key(&ann));
    other.lookup.clone_from(&key.lookup);
    assert!(w.write(move |tx| tx.insert_credential(&key)).await);
    assert!(!w.write(move |tx| tx.insert_credential(&other)).await);
}

async fn credentials_are_paged_by_kind(w: World) {
    let ann = w.member().await;
    let (who, project) = (ann.id, ann.project);
    let mut keys = [fixtures::api_key(&ann), fixtures::api_key(&ann)];
    let rows = keys.clone();
    w.write(move |tx| {
        tx.replace_password(CredentialId::mint(NOW, &OsEntropy), project, who, &hash("a"), NOW)?;
        rows.iter().try_for_each(|key| tx.insert_credential(key).map(drop))
    })
    .await;
    keys.sort_by_key(|key| key.id);
    let after = keys[0].id;
    assert_eq!(w.read(move |tx| tx.credentials(project, CredentialKind::ApiKey, None, 9)).await, keys);
    assert_eq!(w.read(move |tx| tx.credentials(project, CredentialKind::ApiKey, Some(after), 9)).await, keys[1..]);
    assert_eq!(w.read(move |tx| tx.credentials(project, CredentialKind::Password, None, 9)).await.len(), 1);
}

async fn a_credential_is_revoked_once(w: World) {
    let key = fixtures::api_key(&w.member().await);
    let (id, digest) = (key.id, key.lookup.clone().unwrap());
    assert!(!w.write(move |tx| tx.revoke_credential(id, at(1))).await, "there is none yet");
    assert!(w.write(move |tx| tx.insert_credential(&key)).await);
    assert!(w.write(move |tx| tx.revoke_credential(id, at(1))).await);
    assert!(!w.write(move |tx| tx.revoke_credential(id, at(2))).await);
    let found = w.read(move |tx| tx.credential_by_lookup(&digest)).await.unwrap();
    assert_eq!(found.revoked_at, Some(at(1)));
}

async fn a_password_is_replaced_and_keeps_its_id(w: World) {
    let ann = w.member().await;
    let (who, project) = (ann.id, ann.project);
    let (first, second) = (CredentialId::mint(NOW, &OsEntropy), CredentialId::mint(NOW, &OsEntropy));
    assert_eq!(w.read(move |tx| tx.password_of(who)).await, None);
    w.write(move |tx| tx.replace_password(first, project, who, &hash("a"), NOW)).await;
    w.write(move |tx| tx.replace_password(second, project, who, &hash("b"), at(5))).await;
    assert_eq!(w.read(move |tx| tx.password_of(who)).await, Some(hash("b")));
    assert_eq!(w.read(move |tx| tx.credential(second)).await, None);
    let row = w.read(move |tx| tx.credential(first)).await.unwrap();
    assert_eq!((row.kind, row.created_at, row.identity), (CredentialKind::Password, at(5), who));
}

async fn a_rehash_loses_against_a_change(w: World) {
    let ann = w.member().await;
    let (who, project) = (ann.id, ann.project);
    let id = CredentialId::mint(NOW, &OsEntropy);
    w.write(move |tx| tx.replace_password(id, project, who, &hash("old"), NOW)).await;
    assert!(w.write(move |tx| tx.rehash_password(who, &hash("old"), &hash("stronger"))).await);
    assert!(!w.write(move |tx| tx.rehash_password(who, &hash("old"), &hash("late"))).await);
    assert_eq!(w.read(move |tx| tx.password_of(who)).await, Some(hash("stronger")));
}

async fn revoking_all_credentials_includes_the_password(w: World) {
    let (ann, ben) = (w.member().await, w.member().await);
    let (key, kept) = (fixtures::api_key(&ann), fixtures::api_key(&ben));
    let (who, project, theirs) = (ann.id, ann.project, kept.id);
    let (a, b) = (CredentialId::mint(NOW, &OsEntropy), CredentialId::mint(NOW, &OsEntropy));
    let mine = key.id;
    w.write(move |tx| {
        tx.replace_password(a, project, who, &hash("a"), NOW)?;
        tx.insert_credential(&key)?;
        tx.insert_credential(&kept)?;
        tx.revoke_credentials_of(who, at(1))
    })
    .await;
    assert_eq!(w.read(move |tx| tx.password_of(who)).await, None);
    assert!(!w.write(move |tx| tx.rehash_password(who, &hash("a"), &hash("b"))).await);
    assert_eq!(w.read(move |tx| tx.credential(mine)).await.unwrap().revoked_at, Some(at(1)));
    assert_eq!(w.read(move |tx| tx.credential(theirs)).await.unwrap().revoked_at, None);
    w.write(move |tx| tx.replace_password(b, project, who, &hash("c"), at(2))).await;
    assert_eq!(w.read(move |tx| tx.password_of(who)).await, Some(hash("c")));
}

async fn credentials_of_somebody_are_listed_and_relabelled_until_revoked(w: World) {
    let (ann, bob) = (w.member().await, w.member().await);
    let (mut key, other) = (fixtures::api_key(&ann), fixtures::api_key(&bob));
    let rows = [key.clone(), other];
    w.write(move |tx| rows.iter().try_for_each(|key| tx.insert_credential(key).map(drop))).await;
    let (who, id) = (ann.id, key.id);
    assert!(w.write(move |tx| tx.relabel_credential(id, "other", Some(at(5)))).await);
    (key.label, key.expires_at) = ("other".to_owned(), Some(at(5)));
    assert_eq!(w.read(move |tx| tx.credentials_of(who, CredentialKind::ApiKey)).await, [key]);
    assert_eq!(w.read(move |tx| tx.credentials_of(who, CredentialKind::Password)).await, []);
    assert!(w.write(move |tx| tx.revoke_credential(id, NOW)).await);
    assert!(!w.write(move |tx| tx.relabel_credential(id, "gone", None)).await);
    assert_eq!(w.read(move |tx| tx.credentials_of(who, CredentialKind::ApiKey)).await, []);
}
