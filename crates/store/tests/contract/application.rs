use ringfence_core::application::{Alias, WayIn};

use crate::{
    fixtures::{self, object},
    support::{World, at},
};

on_every_engine!(
    an_application_reads_back_by_id_and_alias,
    the_first_application_of_a_name_is_found,
    updating_an_application_replaces_name_settings_and_standing,
    applications_are_paged_within_their_project,
    an_alias_belongs_to_one_application,
);

fn alias(scheme: &str, value: &str) -> Alias {
    Alias { scheme: scheme.to_owned(), value: value.to_owned() }
}

async fn an_application_reads_back_by_id_and_alias(w: World) {
    let project = w.project().await;
    let application = w.application(&project).await;
    let id = application.id;
    assert!(w.write(move |tx| tx.set_alias(id, &alias("key", "k1"))).await);
    assert_eq!(w.read(move |tx| tx.application(id)).await.as_ref(), Some(&application));
    let home = Some((application, project));
    assert_eq!(w.read(move |tx| tx.home(id)).await, home);
    assert_eq!(w.read(|tx| tx.home_by_alias("key", "k1")).await, home);
    assert_eq!(w.read(|tx| tx.home_by_alias("key", "K1")).await, None);
    assert_eq!(w.read(|tx| tx.home_by_alias("other", "k1")).await, None);
}

async fn the_first_application_of_a_name_is_found(w: World) {
    let project = w.project().await;
    let mut both = [w.application(&project).await, w.application(&project).await];
    both.sort_by_key(|application| application.id);
    let id = project.id;
    assert_eq!(w.read(move |tx| tx.application_by_name(id, "widget")).await.as_ref(), Some(&both[0]));
    let elsewhere = w.project().await.id;
    assert_eq!(w.read(move |tx| tx.application_by_name(elsewhere, "widget")).await, None);
}

async fn updating_an_application_replaces_name_settings_and_standing(w: World) {
    let mut application = w.application(&w.project().await).await;
    "renamed".clone_into(&mut application.name);
    application.settings.sign_in = [WayIn::Guest].into_iter().collect();
    application.settings.attributes = object(serde_json::json!({"face": {"quota": 3}}));
    application.disabled_at = Some(at(1));
    application.updated_at = at(2);
    let row = application.clone();
    w.write(move |tx| tx.update_application(&row)).await;
    let id = application.id;
    assert_eq!(w.read(move |tx| tx.application(id)).await, Some(application));
}

async fn applications_are_paged_within_their_project(w: World) {
    let (project, other) = (w.project().await, w.project().await);
    let mut mine = [w.application(&project).await, w.application(&project).await, w.application(&project).await];
    w.application(&other).await;
    mine.sort_by_key(|application| application.id);
    let (id, after) = (project.id, mine[0].id);
    assert_eq!(w.read(move |tx| tx.applications(id, None, 2)).await, mine[..2]);
    assert_eq!(w.read(move |tx| tx.applications(id, Some(after), 9)).await, mine[1..]);
}

async fn an_alias_belongs_to_one_application(w: World) {
    let project = w.project().await;
    let (a, b) = (w.application(&project).await.id, w.application(&project).await.id);
    assert!(w.write(move |tx| tx.set_alias(a, &alias("key", "k1"))).await);
    assert!(w.write(move |tx| tx.set_alias(a, &alias("key", "k1"))).await, "giving it again");
    assert!(!w.write(move |tx| tx.set_alias(b, &alias("key", "k1"))).await, "another has it");
    assert!(w.write(move |tx| tx.set_alias(a, &alias("bundle", "z"))).await);
    assert_eq!(w.read(move |tx| tx.aliases(a)).await, [alias("bundle", "z"), alias("key", "k1")]);
    assert!(!w.write(move |tx| tx.remove_alias(b, &alias("key", "k1"))).await);
    assert!(w.write(move |tx| tx.remove_alias(a, &alias("key", "k1"))).await);
    assert!(w.write(move |tx| tx.set_alias(b, &alias("key", "k1"))).await);
    let nobody = fixtures::application(&project).id;
    assert!(crate::support::is_conflict(&w.refused(move |tx| tx.set_alias(nobody, &alias("key", "k2"))).await));
}
