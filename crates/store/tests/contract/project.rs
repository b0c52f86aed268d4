use ringfence_core::{
    entropy::OsEntropy,
    ids::GuestTargetId,
    project::{GuestTarget, ProjectPolicy, SipPolicy},
};

use crate::{
    fixtures,
    support::{NOW, World, at},
};

on_every_engine!(
    a_project_reads_back_by_id_and_name,
    the_name_of_a_project_is_taken_once,
    updating_a_project_keeps_its_name,
    projects_are_paged_by_id,
    a_guest_target_is_unique_by_kind_and_name,
    an_installation_fact_is_replaced,
);

async fn a_project_reads_back_by_id_and_name(w: World) {
    let project = w.project().await;
    let (id, name) = (project.id, project.name.clone());
    assert_eq!(w.read(move |tx| tx.project(id)).await.as_ref(), Some(&project));
    assert_eq!(w.read(move |tx| tx.project_by_name(&name)).await, Some(project));
    assert_eq!(w.read(|tx| tx.project_by_name("nobody")).await, None);
}

async fn the_name_of_a_project_is_taken_once(w: World) {
    let project = w.project().await;
    let mut other = fixtures::project();
    other.name.clone_from(&project.name);
    let id = other.id;
    assert!(!w.write(move |tx| tx.insert_project(&other)).await);
    assert_eq!(w.read(move |tx| tx.project(id)).await, None);
}

async fn updating_a_project_keeps_its_name(w: World) {
    let project = w.project().await;
    let mut changed = project.clone();
    "another".clone_into(&mut changed.name);
    changed.policy = ProjectPolicy {
        sip: Some(SipPolicy { domain: "rtc.test".to_owned(), unsealed: true }),
        ..ProjectPolicy::default()
    };
    changed.disabled_at = Some(at(1));
    changed.updated_at = at(2);
    let row = changed.clone();
    w.write(move |tx| tx.update_project(&row)).await;
    changed.name = project.name;
    let id = project.id;
    assert_eq!(w.read(move |tx| tx.project(id)).await, Some(changed));
}

async fn projects_are_paged_by_id(w: World) {
    let mut projects = [w.project().await, w.project().await, w.project().await];
    projects.sort_by_key(|project| project.id);
    let first = w.read(|tx| tx.projects(None, 2)).await;
    assert_eq!(first, projects[..2]);
    let after = first[1].id;
    assert_eq!(w.read(move |tx| tx.projects(Some(after), 2)).await, projects[2..]);
}

async fn a_guest_target_is_unique_by_kind_and_name(w: World) {
    let project = w.project().await;
    let target = |kind: &str| GuestTarget {
        id: GuestTargetId::mint(NOW, &OsEntropy),
        project: project.id,
        kind: kind.to_owned(),
        name: "desk".to_owned(),
        created_at: NOW,
    };
    let (first, same, other) = (target("assistant"), target("assistant"), target("room"));
    let (row, id) = (first.clone(), project.id);
    assert!(w.write(move |tx| tx.insert_guest_target(&row)).await);
    assert!(!w.write(move |tx| tx.insert_guest_target(&same)).await);
    assert!(w.write(move |tx| tx.insert_guest_target(&other)).await);
    assert_eq!(w.read(move |tx| tx.guest_targets(id)).await.len(), 2);
    assert_eq!(w.read(move |tx| tx.guest_target(id, "assistant", "desk")).await.as_ref(), Some(&first));
    assert!(w.write(move |tx| tx.delete_guest_target(first.id)).await);
    assert!(!w.write(move |tx| tx.delete_guest_target(first.id)).await);
    assert_eq!(w.read(move |tx| tx.guest_target(id, "assistant", "desk")).await, None);
}

async fn an_installation_fact_is_replaced(w: World) {
    assert_eq!(w.read(|tx| tx.installation_fact("master key")).await, None);
    w.write(|tx| tx.set_installation_fact("master key", "1")).await;
    w.write(|tx| tx.set_installation_fact("master key", "2")).await;
    assert_eq!(w.read(|tx| tx.installation_fact("master key")).await.as_deref(), Some("2"));
}
