use ringfence_core::seal::Sealed;

use crate::{
    fixtures,
    support::{World, at},
};

on_every_engine!(
    issuers_of_an_application_come_newest_first,
    an_issuer_is_revoked_once_and_then_hidden,
    all_issuers_are_paged_and_rewrapped,
);

async fn issuers_of_an_application_come_newest_first(w: World) {
    let project = w.project().await;
    let (application, other) = (w.application(&project).await, w.application(&project).await);
    let (old, mut new, elsewhere) =
        (fixtures::issuer(&application), fixtures::issuer(&application), fixtures::issuer(&other));
    new.created_at = at(1);
    let (ids, mine) = ([new.id, old.id], application.id);
    for issuer in [old, new, elsewhere] {
        w.write(move |tx| tx.insert_issuer(&issuer)).await;
    }
    let found = w.read(move |tx| tx.issuers(mine)).await;
    assert_eq!(found.iter().map(|issuer| issuer.id).collect::<Vec<_>>(), ids);
    assert_eq!((found[0].profile.as_str(), found[0].secret.as_str()), ("partner", "sealed"));
}

async fn an_issuer_is_revoked_once_and_then_hidden(w: World) {
    let application = w.application(&w.project().await).await;
    let issuer = fixtures::issuer(&application);
    let (id, mine) = (issuer.id, application.id);
    w.write(move |tx| tx.insert_issuer(&issuer)).await;
    assert!(w.write(move |tx| tx.revoke_issuer(id, at(1))).await);
    assert!(!w.write(move |tx| tx.revoke_issuer(id, at(2))).await);
    assert!(w.read(move |tx| tx.issuers(mine)).await.is_empty());
    let all = w.read(|tx| tx.all_issuers(None, 9)).await;
    assert_eq!((all.len(), all[0].revoked_at), (1, Some(at(1))));
}

async fn all_issuers_are_paged_and_rewrapped(w: World) {
    let application = w.application(&w.project().await).await;
    let mut ids = Vec::new();
    for _ in 0..3 {
        let issuer = fixtures::issuer(&application);
        ids.push(issuer.id);
        w.write(move |tx| tx.insert_issuer(&issuer)).await;
    }
    ids.sort();
    let (first, rest) = (ids[0], ids[1..].to_vec());
    let page = w.read(move |tx| tx.all_issuers(Some(first), 9)).await;
    assert_eq!(page.iter().map(|issuer| issuer.id).collect::<Vec<_>>(), rest);
    w.write(move |tx| tx.rewrap_issuer(first, &Sealed::stored("again".to_owned()))).await;
    let page = w.read(|tx| tx.all_issuers(None, 1)).await;
    assert_eq!((page[0].id, page[0].secret.as_str()), (first, "again"));
}
