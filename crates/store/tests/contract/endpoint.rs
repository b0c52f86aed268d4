use ringfence_core::{
    endpoint::{
        Endpoint, EndpointFilter, EndpointGroup, GroupFilter, GroupKey, GroupNumber, GroupOrder, Listed, Window,
    },
    entropy::OsEntropy,
    identity::{Identifier, IdentityKind},
    ids::EndpointGroupId,
    presence::Presence,
    project::Project,
    seal::Sealed,
    session::SessionsOf,
};
use std::sync::Arc;

use serde_json::json;

use crate::{
    fixtures::{self, held, object, presence},
    support::{NOW, World, at, unique},
};

on_every_engine!(
    an_endpoint_and_its_group_read_back_whole,
    a_group_number_is_taken_once,
    changes_of_an_endpoint_and_its_group_read_back,
    a_standpoint_knows_the_endpoint,
    sessions_of_a_group_end_with_it,
    a_deleted_group_takes_its_endpoints_along,
    an_account_is_not_deleted_without_its_group,
    endpoints_are_listed_by_what_is_asked,
    groups_are_listed_in_any_order,
    a_name_is_found_by_any_part_in_any_case,
    pages_are_exact_and_count_the_whole,
    the_newest_connection_of_a_group_is_its_presence,
    sessions_are_curtailed_never_prolonged,
    every_secret_can_be_rewrapped,
    of_sessions_that_begin_while_their_group_ends_none_is_left,
);

const FIRST: Window = Window { offset: 0, limit: 100 };

impl World {
    async fn put(&self, project: &Project, group: Option<&Endpoint>, change: impl FnOnce(&mut Endpoint)) -> Endpoint {
        let identity = fixtures::identity(project, IdentityKind::Endpoint);
        let fresh = EndpointGroup {
            id: EndpointGroupId::mint(NOW, &OsEntropy),
            number: GroupNumber::mint(NOW, &OsEntropy),
            project: project.id,
            account: identity.id,
            name: "phones".to_owned(),
            attributes: object(json!({"face": {"deep": [1, "é"]}})),
            outbound_profile: None,
            disabled_at: None,
            created_at: NOW,
            updated_at: NOW,
        };
        let mut endpoint = Endpoint {
            id: identity.id,
            group: group.map_or_else(|| fresh.into(), |account| Arc::clone(&account.group)),
            user_name: unique(),
            secret: Sealed::stored("sealed".to_owned()),
            name: "desk".to_owned(),
            tag: None,
            expires_at: None,
            created_at: NOW,
            updated_at: NOW,
        };
        change(&mut endpoint);
        let row = endpoint.clone();
        self.write(move |tx| {
            tx.insert_identity(&identity)?;
            assert!(!row.is_group_account() || tx.insert_endpoint_group(&row.group)?);
            tx.insert_endpoint(&row)?;
            assert!(tx.add_identifier(&identity, &held(Identifier::of(Identifier::SIP, row.user_name.as_str())))?);
            Ok(())
        })
        .await;
        endpoint
    }

    async fn account(&self, project: &Project) -> Endpoint {
        self.put(project, None, |_| ()).await
    }

    async fn endpoint_of(&self, project: &Project, account: &Endpoint) -> Endpoint {
        self.put(project, Some(account), |_| ()).await
    }

    async fn identity_session(&self, endpoint: &Endpoint) -> ringfence_core::session::Session {
        let id = endpoint.id;
        let identity = self.read(move |tx| tx.identity(id)).await.unwrap();
        self.session(&identity).await
    }

    async fn groups(&self, project: &Project, filter: GroupFilter, by: GroupKey, descending: bool) -> Vec<String> {
        let id = project.id;
        let found = self.read(move |tx| tx.endpoint_groups(id, &filter, GroupOrder { by, descending }, FIRST)).await;
        assert_eq!(found.total, found.items.len() as u64);
        found.items.into_iter().map(|account| account.group.name.clone()).collect()
    }

    async fn endpoints(&self, project: &Project, filter: EndpointFilter, window: Window) -> Listed<Endpoint> {
        let id = project.id;
        self.read(move |tx| tx.endpoints(id, &filter, NOW, window)).await
    }
}

async fn an_endpoint_and_its_group_read_back_whole(w: World) {
    let project = w.project().await;
    let account = w
        .put(&project, None, |endpoint| {
            let group = Arc::make_mut(&mut endpoint.group);
            group.outbound_profile = Some("p".to_owned());
            group.disabled_at = Some(at(1));
        })
        .await;
    let change = |endpoint: &mut Endpoint| {
        endpoint.tag = Some("t".to_owned());
        endpoint.expires_at = Some(at(9));
    };
    let endpoint = w.put(&project, Some(&account), change).await;
    let (a, e, number) = (account.id, endpoint.id, account.group.number);
    assert_eq!(w.read(move |tx| tx.endpoint(e)).await, Some(endpoint));
    assert_eq!(w.read(move |tx| tx.endpoint(a)).await, Some(account.clone()));
    assert_eq!(w.read(move |tx| tx.endpoint_group(project.id, number)).await, Some(account));
    let other = w.project().await.id;
    assert_eq!(w.read(move |tx| tx.endpoint_group(other, number)).await, None);
}

async fn a_group_number_is_taken_once(w: World) {
    let project = w.project().await;
    let account = w.account(&project).await;
    let group = EndpointGroup { id: EndpointGroupId::mint(NOW, &OsEntropy), ..EndpointGroup::clone(&account.group) };
    assert!(!w.write(move |tx| tx.insert_endpoint_group(&group)).await);
}

async fn changes_of_an_endpoint_and_its_group_read_back(w: World) {
    let project = w.project().await;
    let (account, other) = (w.account(&project).await, w.account(&project).await);
    let mut endpoint = w.endpoint_of(&project, &account).await;
    let mut group = EndpointGroup { name: "faxes".to_owned(), ..EndpointGroup::clone(&other.group) };
    group.attributes = object(json!({}));
    group.outbound_profile = Some("p".to_owned());
    group.disabled_at = Some(at(1));
    group.updated_at = at(2);
    endpoint.group = group.clone().into();
    endpoint.user_name = unique();
    endpoint.secret = Sealed::stored("again".to_owned());
    "hall".clone_into(&mut endpoint.name);
    endpoint.tag = Some("t".to_owned());
    endpoint.expires_at = Some(at(3));
    endpoint.updated_at = at(2);
    let row = endpoint.clone();
    w.write(move |tx| {
        tx.update_endpoint_group(&group)?;
        tx.update_endpoint(&row)
    })
    .await;
    let id = endpoint.id;
    assert_eq!(w.read(move |tx| tx.endpoint(id)).await, Some(endpoint));
}

async fn a_standpoint_knows_the_endpoint(w: World) {
    let project = w.project().await;
    let account = w.account(&project).await;
    let endpoint = w.endpoint_of(&project, &account).await;
    let session = w.identity_session(&endpoint).await.id;
    let found = w.read(move |tx| tx.standpoint(session)).await.unwrap();
    assert_eq!((found.endpoint.as_ref(), found.application), (Some(&endpoint), None));
    assert!(w.write(move |tx| tx.delete_endpoint(endpoint.id)).await);
    assert_eq!(w.read(move |tx| tx.standpoint(session)).await.unwrap().endpoint, None);
}

async fn sessions_of_a_group_end_with_it(w: World) {
    let project = w.project().await;
    let (account, other) = (w.account(&project).await, w.account(&project).await);
    let endpoint = w.endpoint_of(&project, &account).await;
    let mut below = vec![w.identity_session(&account).await.id, w.identity_session(&endpoint).await.id];
    let beside = w.identity_session(&other).await.id;
    below.sort_unstable();
    let of = SessionsOf::EndpointGroup(account.group.id);
    let listed = w.read(move |tx| tx.sessions(of, NOW, None, 9)).await;
    assert_eq!(listed.iter().map(|session| session.id).collect::<Vec<_>>(), below);
    let mut ended = w.write(move |tx| tx.revoke_sessions(of, NOW)).await;
    ended.sort_unstable();
    assert_eq!(ended, below);
    assert_eq!(w.read(move |tx| tx.still_live(&[beside], NOW)).await.len(), 1);
}

async fn a_deleted_group_takes_its_endpoints_along(w: World) {
    let project = w.project().await;
    let (account, other) = (w.account(&project).await, w.account(&project).await);
    let endpoint = w.endpoint_of(&project, &account).await;
    let (group, ids) = (account.group.id, [account.id, endpoint.id]);
    assert!(w.write(move |tx| tx.delete_endpoint_group(group, at(5))).await);
    assert!(!w.write(move |tx| tx.delete_endpoint_group(group, at(6))).await);
    for id in ids {
        assert_eq!(w.read(move |tx| tx.endpoint(id)).await, None);
        assert_eq!(w.read(move |tx| tx.identity(id)).await.unwrap().standing.erased_at, Some(at(5)));
        assert_eq!(w.read(move |tx| tx.identifiers(id)).await, []);
    }
    let kept = other.id;
    assert_eq!(w.read(move |tx| tx.endpoint(kept)).await, Some(other));
    assert_eq!(w.read(move |tx| tx.identifiers(kept)).await.len(), 1);
}

async fn an_account_is_not_deleted_without_its_group(w: World) {
    let project = w.project().await;
    let account = w.account(&project).await;
    let endpoint = w.endpoint_of(&project, &account).await;
    assert!(!w.write(move |tx| tx.delete_endpoint(account.id)).await);
    assert!(w.write(move |tx| tx.delete_endpoint(endpoint.id)).await);
    assert!(!w.write(move |tx| tx.delete_endpoint(endpoint.id)).await);
}

async fn endpoints_are_listed_by_what_is_asked(w: World) {
    let project = w.project().await;
    let (account, other) = (w.account(&project).await, w.account(&project).await);
    let plain = w.endpoint_of(&project, &account).await;
    let tagged = w.put(&project, Some(&account), |endpoint| endpoint.tag = Some("t".to_owned())).await;
    let ended = w.put(&project, Some(&account), |endpoint| endpoint.expires_at = Some(NOW)).await;
    let named = w
        .put(&project, Some(&other), |endpoint| {
            "hall".clone_into(&mut endpoint.name);
            endpoint.expires_at = Some(at(1));
        })
        .await;
    let elsewhere = w.project().await;
    let stranger = w.account(&elsewhere).await;
    w.put(&elsewhere, Some(&stranger), |endpoint| endpoint.tag = Some("t".to_owned())).await;
    let any = EndpointFilter::default;
    let text = |text: &str| Some(text.to_owned());
    for (filter, expected) in [
        (any(), vec![&plain, &tagged, &ended, &named]),
        (EndpointFilter { group: Some(other.group.number), ..any() }, vec![&named]),
        (EndpointFilter { user_name: Some(plain.user_name.clone()), ..any() }, vec![&plain]),
        (EndpointFilter { user_name: Some(account.user_name.clone()), ..any() }, vec![]),
        (EndpointFilter { user_name: Some(plain.user_name.clone()), tag: text("t"), ..any() }, vec![]),
        (EndpointFilter { name: text("hall"), ..any() }, vec![&named]),
        (EndpointFilter { tag: text("t"), ..any() }, vec![&tagged]),
        (EndpointFilter { tag: text("t"), group: Some(other.group.number), ..any() }, vec![]),
        (EndpointFilter { tag: text("' OR 1=1 --"), ..any() }, vec![]),
        (EndpointFilter { expired: Some(true), ..any() }, vec![&ended]),
        (EndpointFilter { expired: Some(false), ..any() }, vec![&plain, &tagged, &named]),
    ] {
        let found = w.endpoints(&project, filter.clone(), FIRST).await;
        let mut expected: Vec<_> = expected.into_iter().cloned().collect();
        expected.sort_by_key(|endpoint| std::cmp::Reverse(endpoint.id));
        assert_eq!(found.total, expected.len() as u64, "{filter:?}");
        assert_eq!(found.items, expected, "{filter:?}");
    }
    assert_eq!(w.read(move |tx| tx.endpoints_tagged(project.id, "t")).await, 1);
}

async fn groups_are_listed_in_any_order(w: World) {
    let project = w.project().await;
    // By bytes of the folded name, whatever the collation of the database.
    for (name, off) in [("beta", true), ("Alpha", false), ("a-b", true), ("éclair", false)] {
        w.put(&project, None, |endpoint| {
            name.clone_into(&mut Arc::make_mut(&mut endpoint.group).name);
            Arc::make_mut(&mut endpoint.group).disabled_at = off.then_some(NOW);
        })
        .await;
    }
    w.account(&w.project().await).await;
    let all = GroupFilter::default;
    let by_name = ["a-b", "Alpha", "beta", "éclair"];
    assert_eq!(w.groups(&project, all(), GroupKey::Name, false).await, by_name);
    let reversed: Vec<_> = by_name.into_iter().rev().collect();
    assert_eq!(w.groups(&project, all(), GroupKey::Name, true).await, reversed);
    let mut by_age = w.groups(&project, all(), GroupKey::Age, false).await;
    let active = w.groups(&project, all(), GroupKey::Active, false).await;
    let expected: Vec<_> = [["beta", "a-b"], ["Alpha", "éclair"]]
        .into_iter()
        .flat_map(|names| by_age.iter().filter(move |name| names.contains(&name.as_str())).cloned())
        .collect();
    assert_eq!(active, expected);
    let back: Vec<_> = expected.into_iter().rev().collect();
    assert_eq!(w.groups(&project, all(), GroupKey::Active, true).await, back);
    by_age.reverse();
    assert_eq!(w.groups(&project, all(), GroupKey::Age, true).await, by_age);
}

async fn a_name_is_found_by_any_part_in_any_case(w: World) {
    let project = w.project().await;
    for (name, profile) in [("My Phones", Some("p")), ("ÉCLAIR phones 100%", None), ("faxes_1", Some("q"))] {
        w.put(&project, None, |endpoint| {
            let group = Arc::make_mut(&mut endpoint.group);
            name.clone_into(&mut group.name);
            group.outbound_profile = profile.map(str::to_owned);
        })
        .await;
    }
    for (part, expected) in [
        ("", vec!["faxes_1", "My Phones", "ÉCLAIR phones 100%"]),
        ("PHONES", vec!["My Phones", "ÉCLAIR phones 100%"]),
        ("éclair", vec!["ÉCLAIR phones 100%"]),
        ("%", vec!["ÉCLAIR phones 100%"]),
        ("_", vec!["faxes_1"]),
        ("nothing", vec![]),
        ("' OR ''='", vec![]),
    ] {
        let filter = GroupFilter { name_contains: Some(part.to_owned()), ..GroupFilter::default() };
        assert_eq!(w.groups(&project, filter, GroupKey::Name, false).await, expected, "{part}");
    }
    let filter = GroupFilter { outbound_profile: Some("p".to_owned()), ..GroupFilter::default() };
    assert_eq!(w.groups(&project, filter, GroupKey::Name, false).await, ["My Phones"]);
}

async fn pages_are_exact_and_count_the_whole(w: World) {
    let project = w.project().await;
    let account = w.account(&project).await;
    for _ in 0..5 {
        w.endpoint_of(&project, &account).await;
    }
    let whole = w.endpoints(&project, EndpointFilter::default(), FIRST).await.items;
    for (offset, limit, expected) in [(0, 2, 0..2), (2, 2, 2..4), (4, 2, 4..5), (5, 2, 5..5), (u64::MAX, 2, 5..5)] {
        let page = w.endpoints(&project, EndpointFilter::default(), Window { offset, limit }).await;
        assert_eq!((page.total, page.items), (5, whole[expected].to_vec()), "{offset}");
    }
    let (id, order) = (project.id, GroupOrder { by: GroupKey::Name, descending: false });
    let past = Window { offset: 1, limit: 1 };
    let page = w.read(move |tx| tx.endpoint_groups(id, &GroupFilter::default(), order, past)).await;
    assert_eq!((page.total, page.items), (1, vec![]));
}

async fn the_newest_connection_of_a_group_is_its_presence(w: World) {
    let project = w.project().await;
    let account = w.account(&project).await;
    let (group, endpoint) = (account.group.id, w.endpoint_of(&project, &account).await);
    let stranger = w.account(&project).await;
    assert_eq!(w.read(move |tx| tx.presence_in_group(group, NOW)).await, None);
    let old = presence(&w.identity_session(&account).await, "a");
    let new = Presence { since: at(1), ..presence(&w.identity_session(&endpoint).await, "a") };
    let beside = Presence { since: at(2), ..presence(&w.identity_session(&stranger).await, "a") };
    for row in [old.clone(), new.clone(), beside] {
        w.write(move |tx| tx.open_presence(&row)).await;
    }
    assert_eq!(w.read(move |tx| tx.presence_in_group(group, NOW)).await, Some(new.clone()));
    w.write(move |tx| tx.close_presence(new.connection)).await;
    assert_eq!(w.read(move |tx| tx.presence_in_group(group, NOW)).await, Some(old));
    assert_eq!(w.read(move |tx| tx.presence_in_group(group, at(30))).await, None);
}

async fn sessions_are_curtailed_never_prolonged(w: World) {
    let project = w.project().await;
    let account = w.account(&project).await;
    let session = w.identity_session(&account).await;
    for (end, expected) in [(60, 60), (90, 60), (30, 30)] {
        w.write(move |tx| tx.curtail_sessions(account.id, at(end))).await;
        let found = w.read(move |tx| tx.session(session.id)).await.unwrap();
        assert_eq!(found.expires_at, at(expected), "{end}");
    }
}

async fn every_secret_can_be_rewrapped(w: World) {
    let project = w.project().await;
    let account = w.account(&project).await;
    let endpoint = w.endpoint_of(&project, &account).await;
    let first = w.read(|tx| tx.all_endpoints(None, 1)).await;
    let after = first[0].id;
    let second = w.read(move |tx| tx.all_endpoints(Some(after), 9)).await;
    let mut all = [account, endpoint.clone()];
    all.sort_by_key(|endpoint| endpoint.id);
    assert_eq!([first, second].concat(), all);
    let again = Sealed::stored("again".to_owned());
    let secret = again.clone();
    w.write(move |tx| tx.rewrap_endpoint(endpoint.id, &secret)).await;
    assert_eq!(w.read(move |tx| tx.endpoint(endpoint.id)).await.unwrap().secret, again);
}

async fn of_sessions_that_begin_while_their_group_ends_none_is_left(w: World) {
    let project = w.project().await;
    let account = w.account(&project).await;
    let mut endpoints = Vec::new();
    for _ in 0..24 {
        endpoints.push(w.endpoint_of(&project, &account).await.id);
    }
    let (group, number, id) = (account.group.id, account.group.number, project.id);
    // As the gate does it: hold the identity, look at the group, start the session.
    let tasks = endpoints.into_iter().map(|endpoint| {
        let store = w.store.clone();
        tokio::spawn(async move {
            store
                .write(move |tx| {
                    let identity = tx.identity_to_change(endpoint)?.unwrap();
                    let on = tx.endpoint(endpoint)?.unwrap().group.disabled_at.is_none();
                    Ok(on && tx.insert_session(&fixtures::session(&identity), None)?)
                })
                .await
                .unwrap()
        })
    });
    let tasks: Vec<_> = tasks.collect();
    let end = w.write(move |tx| {
        let mut account = tx.endpoint_group_to_change(id, number)?.unwrap();
        Arc::make_mut(&mut account.group).disabled_at = Some(NOW);
        tx.hold_endpoints(group)?;
        tx.update_endpoint_group(&account.group)?;
        tx.revoke_sessions(SessionsOf::EndpointGroup(group), NOW)
    });
    let ended = end.await.len();
    let mut started = 0;
    for task in tasks {
        started += usize::from(task.await.unwrap());
    }
    assert_eq!(started, ended);
    assert_eq!(w.read(move |tx| tx.sessions(SessionsOf::EndpointGroup(group), NOW, None, 99)).await, []);
}
