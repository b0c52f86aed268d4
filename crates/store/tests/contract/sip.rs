//! SIP domains, users and invitations.

use std::sync::Arc;

use ringfence_core::{
    digest::{DigestAlgorithm, Digests},
    endpoint::{Endpoint, EndpointFilter, EndpointGroup, GroupFilter, GroupKey, GroupNumber, GroupOrder, Window},
    entropy::OsEntropy,
    identity::IdentityKind,
    ids::{EndpointGroupId, SipInvitationId},
    project::Project,
    seal::{LookupHash, Sealed},
    secret::Password,
    sip::{SipDomain, SipInvitation, SipKeys, SipUser, SipUsersOf},
};
use serde_json::json;

use crate::{
    fixtures::{self, object},
    support::{NOW, World, at, unique},
};

on_every_engine!(
    a_domain_and_its_users_read_back_whole,
    a_domain_name_is_taken_once_in_the_installation,
    domains_are_listed_by_project_and_application,
    new_keys_take_the_place_of_old_ones,
    users_come_in_pages_of_a_domain_a_project_and_all,
    a_deleted_domain_or_user_leaves_nothing,
    plain_lists_of_groups_and_endpoints_leave_sip_out,
    an_invitation_opens_until_it_ends_and_goes_once,
);

impl World {
    async fn endpoint(&self, project: &Project, group: Option<Arc<EndpointGroup>>, user_name: String) -> Endpoint {
        let identity = fixtures::identity(project, IdentityKind::Endpoint);
        let fresh = || EndpointGroup {
            id: EndpointGroupId::mint(NOW, &OsEntropy),
            number: GroupNumber::mint(NOW, &OsEntropy),
            project: project.id,
            account: identity.id,
            name: "domain".to_owned(),
            attributes: object(json!({"face": 1})),
            outbound_profile: None,
            disabled_at: None,
            created_at: NOW,
            updated_at: NOW,
        };
        let endpoint = Endpoint {
            id: identity.id,
            group: group.unwrap_or_else(|| fresh().into()),
            user_name,
            secret: Sealed::stored("sealed".to_owned()),
            name: "desk".to_owned(),
            tag: None,
            expires_at: None,
            created_at: NOW,
            updated_at: NOW,
        };
        let row = endpoint.clone();
        self.write(move |tx| {
            tx.insert_identity(&identity)?;
            assert!(!row.is_group_account() || tx.insert_endpoint_group(&row.group)?);
            tx.insert_endpoint(&row)
        })
        .await;
        endpoint
    }

    async fn domain(&self, project: &Project) -> SipDomain {
        let name = format!("{}.test", unique());
        let group = self.endpoint(project, None, format!("@{name}")).await.group;
        let domain = SipDomain { name, group, application: None, created_by: None };
        let row = domain.clone();
        assert!(self.write(move |tx| tx.insert_sip_domain(&row)).await);
        domain
    }

    async fn sip_user(&self, project: &Project, domain: &SipDomain, login: &str) -> (SipUser, SipKeys) {
        let address = format!("{login}@{}", domain.name);
        let endpoint = self.endpoint(project, Some(Arc::clone(&domain.group)), address).await;
        let id = endpoint.id;
        let identity = self.read(move |tx| tx.identity(id)).await.unwrap();
        let keys = keys(None);
        let user = SipUser {
            login: login.to_owned(),
            identity,
            endpoint,
            domain: domain.name.clone(),
            application: domain.application,
            same_domain_calls_only: true,
            digests: keys.digests.clone(),
        };
        let (row, stored) = (user.clone(), keys.clone());
        self.write(move |tx| tx.insert_sip_user(&row, &stored)).await;
        (user, keys)
    }
}

fn keys(clear: Option<Digests>) -> SipKeys {
    SipKeys { digests: Sealed::stored(unique()), lookup: LookupHash::stored(unique()), clear }
}

async fn a_domain_and_its_users_read_back_whole(w: World) {
    let project = w.project().await;
    let domain = w.domain(&project).await;
    let (user, keys) = w.sip_user(&project, &domain, "alice").await;
    let (name, id, lookup) = (domain.name.clone(), user.identity.id, keys.lookup);
    assert_eq!(w.read(move |tx| tx.sip_domain(&name)).await, Some(domain.clone()));
    let name = domain.name.clone();
    assert_eq!(w.write(move |tx| tx.sip_domain_to_change(&name)).await, Some(domain.clone()));
    assert_eq!(w.read(move |tx| tx.sip_user(id)).await, Some(user.clone()));
    assert_eq!(w.read(move |tx| tx.sip_user_by_ha1b(&lookup)).await, Some(user.clone()));
    let name = domain.name.clone();
    assert_eq!(w.read(move |tx| tx.sip_user_by_name("alice", &name)).await, Some(user));
    let name = domain.name;
    assert_eq!(w.read(move |tx| tx.sip_user_by_name("Alice", &name)).await, None);
    assert_eq!(w.read(|tx| tx.sip_user_by_name("alice", "other.test")).await, None);
}

async fn a_domain_name_is_taken_once_in_the_installation(w: World) {
    let [one, two] = [w.project().await, w.project().await];
    let first = w.domain(&one).await;
    let group = w.endpoint(&two, None, unique()).await.group;
    let again = SipDomain { group, ..first };
    assert!(!w.write(move |tx| tx.insert_sip_domain(&again)).await);
}

async fn domains_are_listed_by_project_and_application(w: World) {
    let project = w.project().await;
    let application = w.application(&project).await.id;
    let first = w.domain(&project).await;
    let group = w.endpoint(&project, None, unique()).await.group;
    let second = SipDomain { name: "second.test".to_owned(), group, application: Some(application), created_by: None };
    let row = second.clone();
    w.write(move |tx| tx.insert_sip_domain(&row)).await;
    w.domain(&w.project().await).await;
    let (id, after) = (project.id, first.group.id);
    let mut both = vec![first, second.clone()];
    both.sort_by_key(|domain| domain.group.id);
    assert_eq!(w.read(move |tx| tx.sip_domains(id, None, None, 9)).await, both);
    assert_eq!(w.read(move |tx| tx.sip_domains(id, Some(application), None, 9)).await, vec![second]);
    let rest: Vec<_> = both.iter().filter(|domain| domain.group.id > after).cloned().collect();
    assert_eq!(w.read(move |tx| tx.sip_domains(id, None, Some(after), 9)).await, rest);
}

async fn new_keys_take_the_place_of_old_ones(w: World) {
    let project = w.project().await;
    let domain = w.domain(&project).await;
    let (mut user, old) = w.sip_user(&project, &domain, "alice").await;
    let new = keys(Some(Digests::of("alice", &domain.name, &Password::new("s3cret-A"))));
    assert_eq!(new.clear.as_ref().unwrap().ha1(DigestAlgorithm::Sha256).expose().len(), 64);
    (user.login, user.same_domain_calls_only, user.digests) = ("ally".to_owned(), false, new.digests.clone());
    let (row, stored, id) = (user.clone(), new.clone(), user.identity.id);
    w.write(move |tx| {
        tx.update_sip_user(&row)?;
        tx.put_sip_keys(id, &stored)
    })
    .await;
    assert_eq!(w.read(move |tx| tx.sip_user_by_ha1b(&old.lookup)).await, None);
    assert_eq!(w.read(move |tx| tx.sip_user_by_ha1b(&new.lookup)).await, Some(user));
}

async fn users_come_in_pages_of_a_domain_a_project_and_all(w: World) {
    let project = w.project().await;
    let [one, two] = [w.domain(&project).await, w.domain(&project).await];
    let mut users = Vec::new();
    for (domain, login) in [(&one, "a"), (&one, "b"), (&two, "a")] {
        users.push(w.sip_user(&project, domain, login).await.0);
    }
    let elsewhere = w.project().await;
    users.push(w.sip_user(&elsewhere, &w.domain(&elsewhere).await, "a").await.0);
    let ids = |wanted: &dyn Fn(&SipUser) -> bool| {
        let mut ids: Vec<_> = users.iter().filter(|user| wanted(user)).map(|user| user.identity.id).collect();
        ids.sort();
        ids
    };
    let cases = [
        (SipUsersOf::Domain(one.group.id), ids(&|user| user.domain == one.name)),
        (SipUsersOf::Project(project.id), ids(&|user| user.identity.project == project.id)),
        (SipUsersOf::Installation, ids(&|_| true)),
    ];
    for (of, expected) in cases {
        let first = w.read(move |tx| tx.sip_users(of, None, 1)).await;
        assert_eq!(first[0].identity.id, expected[0], "{of:?}");
        let rest = w.read(move |tx| tx.sip_users(of, Some(first[0].identity.id), 9)).await;
        assert_eq!(rest.iter().map(|user| user.identity.id).collect::<Vec<_>>(), expected[1..], "{of:?}");
    }
}

async fn a_deleted_domain_or_user_leaves_nothing(w: World) {
    let project = w.project().await;
    let domain = w.domain(&project).await;
    let [alice, bob] = [w.sip_user(&project, &domain, "alice").await.0, w.sip_user(&project, &domain, "bob").await.0];
    let (alice, bob) = (alice.identity.id, bob.identity.id);
    assert!(w.write(move |tx| tx.delete_endpoint(alice)).await);
    assert_eq!(w.read(move |tx| tx.sip_user(alice)).await, None);
    let row = invitation(&domain);
    w.write(move |tx| tx.insert_sip_invitation(&row)).await;
    let id = domain.group.id;
    assert!(w.write(move |tx| tx.delete_endpoint_group(id, at(1))).await);
    assert_eq!(w.read(move |tx| tx.sip_user(bob)).await, None);
    let name = domain.name;
    assert_eq!(w.read(move |tx| tx.sip_domain(&name)).await, None);
    for table in ["sip_domain", "sip_user", "sip_invitation"] {
        assert_eq!(w.rows_on_disk(table).await, 0, "{table}");
    }
}

async fn plain_lists_of_groups_and_endpoints_leave_sip_out(w: World) {
    let project = w.project().await;
    let domain = w.domain(&project).await;
    w.sip_user(&project, &domain, "alice").await;
    let (id, window) = (project.id, Window { offset: 0, limit: 9 });
    let order = GroupOrder { by: GroupKey::Age, descending: false };
    let groups = w.read(move |tx| tx.endpoint_groups(id, &GroupFilter::default(), order, window)).await;
    assert_eq!((groups.items.len(), groups.total), (0, 0));
    let endpoints = w.read(move |tx| tx.endpoints(id, &EndpointFilter::default(), NOW, window)).await;
    assert_eq!((endpoints.items.len(), endpoints.total), (0, 0));
}

fn invitation(domain: &SipDomain) -> SipInvitation {
    SipInvitation {
        id: SipInvitationId::mint(NOW, &OsEntropy),
        group: domain.group.id,
        name: "for Bob".to_owned(),
        digest: fixtures::digest(),
        created_by: "operator".to_owned(),
        created_at: NOW,
        updated_at: NOW,
        expires_at: at(60),
    }
}

async fn an_invitation_opens_until_it_ends_and_goes_once(w: World) {
    let domain = w.domain(&w.project().await).await;
    let mut row = invitation(&domain);
    let first = row.clone();
    w.write(move |tx| tx.insert_sip_invitation(&first)).await;
    let (id, digest) = (row.id, row.digest.clone());
    assert_eq!(w.read(move |tx| tx.sip_invitation(id)).await, Some(row.clone()));
    let shown = digest.clone();
    let found = w.read(move |tx| tx.open_sip_invitation(&shown, at(59))).await;
    assert_eq!(found, Some((domain.name, row.clone())));
    let shown = digest.clone();
    assert_eq!(w.read(move |tx| tx.open_sip_invitation(&shown, at(60))).await, None);
    (row.name, row.expires_at, row.updated_at) = ("for Ben".to_owned(), at(90), at(1));
    let changed = row.clone();
    w.write(move |tx| tx.update_sip_invitation(&changed)).await;
    let found = w.read(move |tx| tx.open_sip_invitation(&digest, at(60))).await;
    assert_eq!(found.map(|(_, invitation)| invitation), Some(row));
    assert!(w.write(move |tx| tx.delete_sip_invitation(id)).await);
    assert!(!w.write(move |tx| tx.delete_sip_invitation(id)).await);
}
